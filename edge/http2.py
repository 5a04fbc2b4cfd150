"""One HTTP/2 connection to a gRPC server, for one unary call at a time (RFC 9113).

The calling thread writes the request and reads the answer itself. grpcio's
blocking client hands both through threads of its own, which takes four times
as long; `bench/README.md` has the figures.
"""

import select
import socket
import ssl
import struct
from dataclasses import dataclass, field
from math import ceil
from time import monotonic

from edge import frames, header_block
from edge.frames import ProtocolError
from edge.header_block import HeaderBlockError, Headers

_LONGEST_BLOCK = 64 * 1024
_PING_DATA = b"taskforg"
_CHUNK = 256 * 1024
# A window this far used up is opened again.
_GRANT_AT = 2**30


class UnprocessedError(Exception):
    """The server has not looked at the call; it may be made again on another connection."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a server said to a call.

    Attributes:
        data: The whole body, in gRPC a message with its prefix.
        trailers: The fields that end it; of an answer without a body, its headers.
    """

    data: bytes
    trailers: Headers


@dataclass(slots=True)
class _Stream:
    """A call in flight; `window` is what its server takes before it grants more."""

    number: int
    window: int
    data: bytearray = field(default_factory=bytearray)
    block: bytes = b""
    ended: bool = False


class Connection:
    """A connection. No two threads may use it at once.

    Args:
        connected: A blocking socket, on which HTTP/2 has been agreed.
        largest: The most bytes of an answer's body that are taken.
    """

    def __init__(self, connected: socket.socket, largest: int) -> None:
        self._socket = connected
        self._largest = largest
        self._received = bytearray()
        self._next_number = 1
        self._window = frames.FIRST_WINDOW
        self._first_stream_window = frames.FIRST_WINDOW
        self._frame_size = frames.FRAME_SIZE
        self._used = 0
        self._timeout = 0
        self._leaving = False
        self._ping_awaited = False
        self._heard_at = monotonic()
        self._poller = select.poll()
        self._poller.register(connected, select.POLLIN)
        self._socket.sendall(
            frames.PREFACE
            + frames.settings(
                (frames.HEADER_TABLE_SIZE, 0),
                (frames.ENABLE_PUSH, 0),
                (frames.INITIAL_WINDOW_SIZE, frames.WIDEST_WINDOW),
            )
            + frames.window_update(frames.WIDEST_WINDOW - frames.FIRST_WINDOW)
        )

    def call(self, head: bytes, body: bytes, timeout: float) -> Exchange:
        """Makes one call. After any error the connection is of no use any more.

        Args:
            head: The block of the request's headers.
            body: Not empty.
            timeout: Seconds for all of it.

        Raises:
            TimeoutError: The answer was not there in time.
            UnprocessedError: The server has not looked at the call.
            ProtocolError: The server did not keep to HTTP/2, or gave the call up.
            OSError: The connection is lost.
        """
        self._set_timeout(timeout)
        deadline = monotonic() + timeout
        stream = _Stream(self._next_number, self._first_stream_window)
        self._next_number += 2
        try:
            self._send(stream, head, body, deadline)
            while not stream.ended:
                self._take_frame(stream, deadline)
            return Exchange(bytes(stream.data), header_block.decode(stream.block))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as fault:
            raise TimeoutError("no answer in time") from fault
        except HeaderBlockError as fault:
            raise ProtocolError(str(fault)) from fault

    def is_usable(self) -> bool:
        """Whether another call may be made, after a look at what came while none was."""
        try:
            while self._poller.poll(0):
                if not self._receive_at_once():
                    break
                while self._has_frame():
                    self._take_frame(None, 0.0)
        except (OSError, ProtocolError, UnprocessedError):
            return False
        return not self._leaving and self._next_number < frames.LAST_STREAM

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing has come for so long."""
        return monotonic() - self._heard_at > seconds

    def answers(self, within: float) -> bool:
        """Whether the server answers a ping in time, for a connection on which no call is made."""
        self._set_timeout(within)
        self._ping_awaited = True
        deadline = monotonic() + within
        try:
            self._socket.sendall(frames.frame(frames.PING, 0, 0, _PING_DATA))
            while self._ping_awaited:
                self._take_frame(None, deadline)
        except (OSError, ProtocolError, UnprocessedError):
            return False
        return not self._leaving

    def close(self) -> None:
        self._socket.close()

    def _set_timeout(self, seconds: float) -> None:
        """Lets the kernel end a wait: Python's own time-outs cost another system call each.

        In whole seconds, so that calls with the same time have nothing to change.
        """
        whole = ceil(seconds)
        if whole != self._timeout:
            value = struct.pack("ll", whole, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
            self._timeout = whole

    def _send(self, stream: _Stream, head: bytes, body: bytes, deadline: float) -> None:
        """Writes the request, as fast as the server grants room for it."""
        outgoing = bytearray(frames.frame(frames.HEADERS, frames.END_HEADERS, stream.number, head))
        rest = memoryview(body)
        while True:
            while rest and (room := min(self._window, stream.window, self._frame_size)) > 0:
                part, rest = rest[:room], rest[room:]
                self._window -= len(part)
                stream.window -= len(part)
                outgoing += frames.frame(
                    frames.DATA, 0 if rest else frames.END_STREAM, stream.number, part
                )
            self._socket.sendall(outgoing)
            if not rest:
                return
            outgoing.clear()
            self._take_frame(stream, deadline)
            if stream.ended:
                # Answered without having been heard out: the rest is never sent.
                self._leaving = True
                return

    def _receive(self, deadline: float) -> None:
        received = self._socket.recv(_CHUNK)
        if not received:
            raise ConnectionResetError("the server closed the connection")
        self._heard_at = monotonic()
        if self._heard_at > deadline:
            raise TimeoutError("no answer in time")
        self._received += received

    def _receive_at_once(self) -> bool:
        """Takes what has come already; False when it is less than a TLS record."""
        self._socket.setblocking(False)
        try:
            self._receive(float("inf"))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            self._socket.setblocking(True)
        return True

    def _has_frame(self) -> bool:
        received = self._received
        return len(received) >= frames.HEAD and len(received) >= frames.HEAD + int.from_bytes(
            received[:3]
        )

    def _next_frame(self, deadline: float) -> tuple[int, int, int, bytes]:
        """The next frame: kind, flags, stream, payload."""
        received = self._received
        while len(received) < frames.HEAD:
            self._receive(deadline)
        length = int.from_bytes(received[:3])
        if length > frames.FRAME_SIZE:
            raise ProtocolError("a frame is larger than was agreed")
        end = frames.HEAD + length
        while len(received) < end:
            self._receive(deadline)
        kind, flags = received[3], received[4]
        number = int.from_bytes(received[5 : frames.HEAD]) & frames.LAST_STREAM
        payload = bytes(received[frames.HEAD : end])
        del received[:end]
        return kind, flags, number, payload

    def _take_frame(self, stream: _Stream | None, deadline: float) -> None:
        """Reads one frame and does what it says; without a call, of the connection alone."""
        kind, flags, number, payload = self._next_frame(deadline)
        # What comes late for a call that has ended says nothing, but has to be read all the same.
        current = stream if stream is not None and number == stream.number else None
        if kind == frames.DATA:
            self._take_data(current, flags, payload)
        elif kind == frames.HEADERS:
            self._take_headers(current, flags, payload, deadline)
        elif kind == frames.WINDOW_UPDATE:
            self._take_window(current, number, payload)
        elif kind == frames.SETTINGS:
            self._take_settings(stream, flags, payload)
        elif kind == frames.PING:
            self._take_ping(flags, payload)
        elif kind == frames.GOAWAY:
            self._take_goaway(stream, payload)
        elif kind == frames.RST_STREAM and current is not None:
            if int.from_bytes(payload) == frames.REFUSED_STREAM:
                raise UnprocessedError
            raise ProtocolError(f"the server gave the call up, code {int.from_bytes(payload)}")

    def _take_data(self, current: _Stream | None, flags: int, payload: bytes) -> None:
        self._used += len(payload)
        if self._used > _GRANT_AT:
            self._socket.sendall(frames.window_update(self._used))
            self._used = 0
        if current is None:
            return
        current.data += frames.unpadded(payload) if flags & frames.PADDED else payload
        if len(current.data) > self._largest:
            raise ProtocolError(f"the answer is over {self._largest} bytes")
        current.ended = bool(flags & frames.END_STREAM)

    def _take_headers(
        self, current: _Stream | None, flags: int, payload: bytes, deadline: float
    ) -> None:
        block = frames.unpadded(payload) if flags & frames.PADDED else payload
        if flags & frames.PRIORITY:
            block = block[5:]
        more = not flags & frames.END_HEADERS
        while more:
            kind, further, _, payload = self._next_frame(deadline)
            block += payload
            if kind != frames.CONTINUATION or len(block) > _LONGEST_BLOCK:
                raise ProtocolError("headers are broken off or too long")
            more = not further & frames.END_HEADERS
        if current is not None:
            current.block = block
            current.ended = bool(flags & frames.END_STREAM)

    def _take_window(self, current: _Stream | None, number: int, payload: bytes) -> None:
        grant = int.from_bytes(payload) & frames.WIDEST_WINDOW
        if number == 0:
            self._window += grant
        elif current is not None:
            current.window += grant

    def _take_settings(self, stream: _Stream | None, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        for setting, value in struct.iter_unpack(">HI", payload):
            if setting == frames.INITIAL_WINDOW_SIZE:
                if stream is not None:
                    stream.window += value - self._first_stream_window
                self._first_stream_window = value
            elif setting == frames.MAX_FRAME_SIZE:
                self._frame_size = value
        self._socket.sendall(frames.frame(frames.SETTINGS, frames.ACK, 0, b""))

    def _take_ping(self, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            self._ping_awaited = False
        else:
            self._socket.sendall(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _take_goaway(self, stream: _Stream | None, payload: bytes) -> None:
        self._leaving = True
        last = int.from_bytes(payload[:4]) & frames.LAST_STREAM
        if stream is not None and stream.number > last:
            raise UnprocessedError
