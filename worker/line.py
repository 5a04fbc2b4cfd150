"""The socket under one HTTP call, in reach of the threads that may have to cut it.

`requests` blocks while it connects, while it waits for headers and while it
reads, and offers no way out of any of them. Here the socket is known from
before it connects, so that shutting it down ends all three.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

# What `getaddrinfo` says of one: family, kind, protocol, canonical name, address for `connect`.
Address = tuple[int, int, int, str, Any]


def look_up(host: str, port: int) -> list[Address]:
    """The addresses of a host."""
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class Line:
    """One call's socket. Cut once, from any thread, at any moment.

    Args:
        addresses: Finds where to connect to. It is asked once, so that what it
            has checked is what is called.
    """

    def __init__(self, addresses: Callable[[str, int], list[Address]] = look_up) -> None:
        self._addresses = addresses
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cut = False
        self.connected = False

    def cut(self) -> None:
        """Ends whatever the call is blocked on, and all that it would block on."""
        with self._lock:
            self._cut = True
            self._shut()

    def close(self) -> None:
        """Gives the socket back once the call is over, however it has ended."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()

    @property
    def was_cut(self) -> bool:
        """What is read afterwards may look like the end of an answer, and is none."""
        return self._cut

    def hold(self, sock: socket.socket) -> None:
        """Takes the socket that the call uses from here on."""
        with self._lock:
            self._socket = sock
            if self._cut:
                self._shut()

    def wait_at_most(self, seconds: float) -> None:
        """Bounds the next reads from the socket."""
        with self._lock:
            if self._socket is not None and self._socket.fileno() >= 0:
                self._socket.settimeout(max(seconds, 0.001))

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """A connected socket that was in reach while it connected."""
        fault: OSError = OSError(f"{host} has no address")
        for family, kind, protocol, _, address in self._addresses(host, port):
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.hold(sock)
            if self._cut:
                sock.close()
                raise ConnectionAbortedError("the call was cut")
            try:
                sock.connect(address)
            except OSError as error:
                sock.close()
                fault = error
            else:
                self.hold(sock)  # one that was not connected yet may not have felt a cut
                return sock
        raise fault

    def _shut(self) -> None:
        if self._socket is None:
            return
        # It may not be connected yet, or be closed already.
        with contextlib.suppress(OSError):
            # Not the method of a TLS socket, which would drop its state under a reader.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    """A connection whose socket is a line's."""

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line = line

    def _new_conn(self) -> socket.socket:
        timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
        try:
            return self.line.connect(self.host, self.port or 0, timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connecting took too long") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, socket.socket):
            self.line.hold(self.sock)  # TLS has taken the descriptor over
        self.line.connected = True


class TlsConnection(_Connection, HTTPSConnection):
    """The same with TLS over it, begun once the socket is connected."""


class _Adapter(HTTPAdapter):
    """Makes connections that belong to one line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_pool, HTTPConnectionPool, _Connection, self._line),
            "https": partial(_pool, HTTPSConnectionPool, TlsConnection, self._line),
        }


def _pool(
    kind: type[HTTPConnectionPool],
    connection: type[_Connection],
    line: Line,
    *args: Any,
    **kwargs: Any,
) -> HTTPConnectionPool:
    pool = kind(*args, **kwargs)
    pool.ConnectionCls = partial(connection, line=line)  # type: ignore[assignment] # only called
    return pool


@contextlib.contextmanager
def session(line: Line) -> Iterator[requests.Session]:
    """A session for one call over one line, which is closed with it.

    A connection per call: it costs a fraction of a millisecond where a model's
    answer takes seconds, and a kept one may be dead. The environment's proxies
    are for the way out to the internet, and the model is not there.
    """
    with requests.Session() as made:
        made.trust_env = False
        adapter = _Adapter(line)
        made.mount("http://", adapter)
        made.mount("https://", adapter)
        try:
            yield made
        finally:
            # The session leaves that to the garbage collector, which comes late where a fault is
            # still being handled.
            line.close()
