"""Unary gRPC calls to core: connections, deadlines, gRPC's framing over HTTP/2."""

import random
import socket
import ssl
import threading
from base64 import b64decode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, sleep

from edge import header_block
from edge.frames import ProtocolError
from edge.http2 import Connection, Exchange, UnprocessedError

Trailers = dict[str, str | bytes]

_LARGEST_ANSWER = 64 * 1024 * 1024
_PREFIX = 5
_CONNECT_S = 5.0
_TRIES = 3
# A machine that has gone without a word is noticed before a call's own deadline.
_IDLE_S, _PROBE_S, _PROBES = 10, 5, 2
# How often idle connections are looked at, how long one may be quiet before it is asked whether
# it still is one, and how long it has to answer.
_TEND_S, _QUIET_S, _ANSWER_S = 1.0, 5.0, 2.0


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
    """Calls from any number of threads, each over a connection of its own while it lasts.

    Make it after a fork: it has a thread.

    Args:
        addresses: Hosts and ports; which one a connection goes to is left to chance, and to
            which of them can be reached.
        secured: What to call with over TLS; None: in plain text.
        name: What the server is called: its `:authority`, and the name that its certificate is for.
    """

    def __init__(
        self, addresses: Sequence[tuple[str, int]], secured: ssl.SSLContext | None, name: str
    ) -> None:
        self._addresses = tuple(addresses)
        self._secured = secured
        self._name = name
        self._heads: dict[str, bytes] = {}
        # The one used last is taken first: a quiet edge keeps few connections busy.
        self._idle: deque[Connection] = deque()
        threading.Thread(target=self._tend, name="tend connections", daemon=True).start()

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
                # The way to the server may be cut, for the others as well.
                self._drop_idle()
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
        head = self._heads[rpc] = header_block.encode_post(
            "https" if self._secured else "http"
        ) + header_block.encode(
            [
                (":path", rpc),
                (":authority", self._name),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("user-agent", "taskforge-edge"),
            ]
        )
        return head

    def _take(self) -> Connection | None:
        """An idle connection that is still good."""
        while (connection := self._pop()) is not None:
            if connection.is_usable():
                return connection
            connection.close()
        return None

    def _drop_idle(self) -> None:
        while (connection := self._pop()) is not None:
            connection.close()

    def _pop(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _tend(self) -> None:
        """Looks after idle connections, which nobody reads from.

        A server that leaves says so and waits for an answer before it goes; one that has been cut
        off says nothing.
        """
        while True:
            sleep(_TEND_S)
            for connection in list(self._idle):
                try:
                    self._idle.remove(connection)
                except ValueError:
                    continue  # a call has it
                if not connection.is_usable():
                    connection.close()
                elif connection.is_quiet(_QUIET_S) and not connection.answers(_ANSWER_S):
                    connection.close()
                    self._drop_idle()
                else:
                    # Not to the end where calls take from: this was no call.
                    self._idle.appendleft(connection)

    def _connect(self) -> Connection:
        faults = []
        for host, port in random.sample(self._addresses, len(self._addresses)):
            try:
                return self._connection(host, port)
            except OSError as fault:
                faults.append(f"{host}:{port}: {fault}")
        raise UnavailableError("; ".join(faults))

    def _connection(self, host: str, port: int) -> Connection:
        connected = _connected(host, port)
        try:
            if self._secured is not None:
                connected = self._secured.wrap_socket(connected, server_hostname=self._name)
            connected.settimeout(None)
            return Connection(connected, _LARGEST_ANSWER)
        except BaseException:
            connected.close()
            raise


def _connected(host: str, port: int) -> socket.socket:
    """A connection to one of the addresses that a name has."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    fault: OSError | None = None
    for family, kind, protocol, _, address in random.sample(found, len(found)):
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(_CONNECT_S)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_S)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_S)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
            connected.connect(address)
        except OSError as refused:
            connected.close()
            fault = refused
        else:
            return connected
    raise fault or OSError("the name has no address")


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
