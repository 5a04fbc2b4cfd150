"""Unary gRPC calls to one address: connections, deadlines, gRPC's framing over HTTP/2."""

import socket
from base64 import b64decode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from edge import header_block
from edge.http2 import Connection, Exchange, ProtocolError, UnprocessedError

Trailers = dict[str, str | bytes]

_LARGEST_ANSWER = 64 * 1024 * 1024
_PREFIX = 5
_CONNECT_S = 5.0
_TRIES = 3
# A peer that has gone without a word is noticed before a call's own deadline.
_IDLE_S, _PROBE_S, _PROBES = 10, 5, 2


class UnavailableError(Exception):
    """The server is not there, or the connection to it was lost."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended.

    Attributes:
        status: A `google.rpc.Code`; 0 for success.
        message: The serialized response; empty without success.
        trailers: Trailing metadata, binary values decoded.
    """

    status: int
    message: bytes
    trailers: Trailers


class Channel:
    """Calls from any number of threads, each over a connection of its own while it lasts."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._authority = address
        self._heads: dict[str, bytes] = {}
        # The one used last is taken first: a quiet edge keeps few connections busy.
        self._idle: deque[Connection] = deque()

    def call(
        self, rpc: str, message: bytes, metadata: Sequence[tuple[str, str]], timeout: float
    ) -> Outcome:
        """Makes one call.

        Args:
            rpc: Full gRPC name.
            message: The serialized request.
            metadata: Of the request.
            timeout: Seconds; the server is told of them.

        Raises:
            TimeoutError: There was no answer in time.
            UnavailableError: The server is not there, or went away meanwhile.
        """
        head = (self._heads.get(rpc) or self._head(rpc)) + header_block.encode(
            (("grpc-timeout", f"{round(timeout * 1000)}m"), *metadata)
        )
        body = b"\0" + len(message).to_bytes(4) + message
        deadline = monotonic() + timeout
        for _ in range(_TRIES):
            connection = self._take() or self._connect()
            try:
                exchange = connection.call(head, body, max(0.001, deadline - monotonic()))
            except UnprocessedError:
                connection.close()
            except TimeoutError:
                connection.close()
                raise
            except (OSError, ProtocolError) as fault:
                connection.close()
                raise UnavailableError(str(fault)) from fault
            else:
                self._idle.append(connection)
                return _outcome(exchange)
        raise UnavailableError("the server takes no calls")

    def _head(self, rpc: str) -> bytes:
        """What the headers of every call of an RPC begin with."""
        head = self._heads[rpc] = header_block.encode_post("http") + header_block.encode(
            [
                (":path", rpc),
                (":authority", self._authority),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("user-agent", "taskforge-edge"),
            ]
        )
        return head

    def _take(self) -> Connection | None:
        """An idle connection that is still good."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break  # another thread was quicker
            if connection.is_usable():
                return connection
            connection.close()
        return None

    def _connect(self) -> Connection:
        try:
            connected = socket.create_connection(self._address, timeout=_CONNECT_S)
        except OSError as fault:
            raise UnavailableError(str(fault)) from fault
        connected.settimeout(None)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_S)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_S)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
        return Connection(connected, _LARGEST_ANSWER)


def _outcome(exchange: Exchange) -> Outcome:
    trailers: Trailers = {
        name: _binary(value) if name.endswith("-bin") else value
        for name, value in exchange.trailers
    }
    status = trailers.get("grpc-status")
    if not isinstance(status, str) or not status.isdecimal():
        raise UnavailableError("the server does not speak gRPC")
    return Outcome(int(status), _message(exchange.data) if status == "0" else b"", trailers)


def _message(data: bytes) -> bytes:
    """The one message of a unary answer, which is not compressed: we offer no compression."""
    if len(data) < _PREFIX or data[0] or len(data) != _PREFIX + int.from_bytes(data[1:_PREFIX]):
        raise UnavailableError("the server did not answer with one message")
    return data[_PREFIX:]


def _binary(value: str) -> bytes:
    """Binary metadata travels as Base64, its padding left out."""
    return b64decode(value + "=" * (-len(value) % 4))
