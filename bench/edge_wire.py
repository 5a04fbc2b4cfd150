"""Connections of the load: HTTP/1.1 and gRPC on raw sockets.

They cost the machine little and all sides the same: requests are prepared
bytes, and of an answer only its end and whether it succeeded are looked at.
"""

import socket
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Protocol
from uuid import uuid4

# A request's bytes, in parts between which its own idempotency key goes.
Template = Sequence[bytes]

_CHUNK = 256 * 1024


class RefusedError(Exception):
    """A side did not answer as it should; the message shows what it said."""


class Connection(Protocol):
    """One connection; it never has more requests in flight than it was made for."""

    @property
    def socket(self) -> socket.socket: ...

    def fill(self) -> None:
        """Sends as many requests as may be in flight."""

    def receive(self) -> list[float]:
        """Reads what has come; the seconds that each request took that has its answer now."""

    def waits(self) -> bool:
        """Whether a request is in flight."""


class Http1:
    """A keep-alive connection with one request at a time."""

    def __init__(self, port: int, request: Template) -> None:
        self.socket = _connect(port)
        self._request = request
        self._began: float | None = None
        self._answer = bytearray()

    def fill(self) -> None:
        if self._began is None:
            self._began = perf_counter()
            self.socket.sendall(_with_key(self._request))

    def receive(self) -> list[float]:
        self._answer += _read(self.socket)
        if self._began is None or not _is_whole(self._answer):
            return []
        if not self._answer.startswith(b"HTTP/1.1 20"):
            raise RefusedError(bytes(self._answer[:500]).decode(errors="replace"))
        took = perf_counter() - self._began
        self._began = None
        self._answer.clear()
        return [took]

    def waits(self) -> bool:
        return self._began is not None


def http1_request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    if body:
        headers = {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _is_whole(answer: bytearray) -> bool:
    head, found, _ = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    _, announced, rest = head.lower().partition(b"content-length:")
    if announced:
        return len(answer) >= len(head) + 4 + int(rest.split(b"\r", 1)[0])
    return answer.endswith(b"0\r\n\r\n")


# HTTP/2, as much of it as gRPC's unary calls need: RFC 9113, RFC 7541.

_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_ACK = _END_STREAM = 1
_END_HEADERS = 4
_INITIAL_WINDOW_SETTING = b"\x00\x04"
_FIRST_WINDOW = 65_535
_WIDE = 2**30
_DYNAMIC_TABLE = 62


class Grpc:
    """A connection with several unary calls at a time, as one channel of a client has."""

    def __init__(
        self, port: int, headers: Sequence[tuple[str, str]], message: Template, in_flight: int
    ) -> None:
        self.socket = _connect(port)
        self._first_headers = b"".join(_added(name, value) for name, value in headers)
        # Every header is in the peer's table after the first call, the last at the lowest place.
        places = range(_DYNAMIC_TABLE + len(headers) - 1, _DYNAMIC_TABLE - 1, -1)
        self._headers = bytes(0x80 | place for place in places)
        self._message = message
        self._in_flight = in_flight
        self._began: dict[int, float] = {}
        self._answered: set[int] = set()
        self._stream = -1
        self._received = bytearray()
        self._may_send = _FIRST_WINDOW
        self._to_grant = 0
        wide = _INITIAL_WINDOW_SETTING + _WIDE.to_bytes(4)
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        self.socket.sendall(preface + _frame(_SETTINGS, 0, 0, wide) + _grant(_WIDE))

    def fill(self) -> None:
        sent = bytearray()
        while len(self._began) < self._in_flight:
            message = _with_key(self._message)
            data = b"\0" + len(message).to_bytes(4) + message
            if len(data) > self._may_send:
                break  # until the peer has granted more
            self._may_send -= len(data)
            headers = self._headers if self._stream > 0 else self._first_headers
            self._stream += 2
            sent += _frame(_HEADERS, _END_HEADERS, self._stream, headers)
            sent += _frame(_DATA, _END_STREAM, self._stream, data)
            self._began[self._stream] = perf_counter()
        if sent:
            self.socket.sendall(sent)

    def receive(self) -> list[float]:
        self._received += _read(self.socket)
        took: list[float] = []
        place = 0
        while len(self._received) >= place + 9:
            end = place + 9 + int.from_bytes(self._received[place : place + 3])
            if len(self._received) < end:
                break
            kind, flags = self._received[place + 3], self._received[place + 4]
            stream = int.from_bytes(self._received[place + 5 : place + 9])
            took += self._take(kind, flags, stream, self._received[place + 9 : end])
            place = end
        del self._received[:place]
        return took

    def waits(self) -> bool:
        return bool(self._began)

    def _take(self, kind: int, flags: int, stream: int, payload: bytearray) -> Iterable[float]:
        if kind == _DATA:
            self._answered.add(stream)
            self._grant_again(len(payload))
        elif kind == _HEADERS and flags & _END_STREAM:
            return [self._end(stream, payload)]
        elif kind == _WINDOW and stream == 0:
            self._may_send += int.from_bytes(payload)
        elif kind in {_SETTINGS, _PING} and not flags & _ACK:
            self.socket.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind in {_RESET, _GOAWAY}:
            raise RefusedError(f"core ended the connection or a call: {bytes(payload)!r}")
        return []

    def _end(self, stream: int, trailers: bytearray) -> float:
        # A refused call has trailers alone.
        if stream not in self._answered:
            raise RefusedError(f"core refused a call: {bytes(trailers)!r}")
        self._answered.remove(stream)
        return perf_counter() - self._began.pop(stream)

    def _grant_again(self, size: int) -> None:
        self._to_grant += size
        if self._to_grant > _WIDE // 4:
            self.socket.sendall(_grant(self._to_grant))
            self._to_grant = 0


def _frame(kind: int, flags: int, stream: int, payload: bytes | bytearray) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _grant(size: int) -> bytes:
    return _frame(_WINDOW, 0, 0, size.to_bytes(4))


def _added(name: str, value: str) -> bytes:
    """A header that the peer adds to its table."""
    return b"\x40" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))


def _connect(port: int) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", port), timeout=30)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _read(connected: socket.socket) -> bytes:
    read = connected.recv(_CHUNK)
    if not read:
        raise RefusedError("the connection was closed")
    return read


def _with_key(template: Template) -> bytes:
    return template[0] if len(template) == 1 else uuid4().hex.encode().join(template)
