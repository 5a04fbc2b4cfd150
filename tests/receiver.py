"""A client's receiver of callbacks: a real HTTPS server on loopback that behaves as it is told."""

import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.waiting import eventually


@dataclass(frozen=True, slots=True)
class Received:
    """A callback as it came; its headers have lower-case names."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """One callback that is being answered."""

    def __init__(self, handler: BaseHTTPRequestHandler, closing: threading.Event) -> None:
        self._handler = handler
        self.closing = closing

    def send(self, data: bytes) -> None:
        self._handler.wfile.write(data)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        fields = {"Content-Length": str(len(body)), **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.send(f"HTTP/1.1 {status} So\r\n{lines}\r\n".encode() + body)


Reply = Callable[[Exchange], None]


class Receiver:
    """The server, in threads of its own. Use it as a context manager.

    Attributes:
        received: Every callback, in order of arrival.
        connections: How many callers have connected, heard or not.
        replies: How the next callbacks are answered; 204 when nothing is said.
        always: How every callback is answered, when something is said.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        host: str = "localhost",
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.replies: deque[Reply] = deque()
        self.always: Reply | None = None
        self._closing = threading.Event()
        self._host = host
        self._server = _Server(self, context, (address, port))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/hook") -> str:
        return f"https://{self._host}:{self.port}{path}"

    def wait(self, count: int = 1) -> list[Received]:
        """The callbacks, once there are as many."""
        eventually(lambda: len(self.received) >= count)
        return self.received

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.received.append(Received(handler.path, headers, body))
        reply = self.always or (self.replies.popleft() if self.replies else answering(204))
        with suppress(OSError):  # the caller may have hung up
            reply(Exchange(handler, self._closing))
        handler.close_connection = True


def answering(status: int, **headers: str) -> Reply:
    return lambda exchange: exchange.answer(status, b"", **headers)


def dripping(exchange: Exchange) -> None:
    """Begins its answer, and sends a byte of a header from time to time, without end."""
    exchange.send(b"HTTP/1.1 200 So\r\nX-Long: ")
    while not exchange.closing.wait(0.05):
        exchange.send(b"x")


def dripping_body(exchange: Exchange) -> None:
    """Takes the callback, and then sends a byte of its reply from time to time."""
    exchange.send(b"HTTP/1.1 200 So\r\nContent-Length: 100000\r\n\r\n")
    while not exchange.closing.wait(0.05):
        exchange.send(b"x")


def silent(exchange: Exchange) -> None:
    exchange.closing.wait()


class Flood:
    """Replies with a gigabyte; counts what the caller let it send."""

    def __init__(self, **headers: str) -> None:
        self.sent = 0
        self._headers = "".join(f"{name.replace('_', '-')}: {v}\r\n" for name, v in headers.items())

    def __call__(self, exchange: Exchange) -> None:
        size = 1024**3
        exchange.send(f"HTTP/1.1 200 So\r\n{self._headers}Content-Length: {size}\r\n\r\n".encode())
        piece = bytes(65536)
        while self.sent < size:
            exchange.send(piece)
            self.sent += len(piece)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, receiver: Receiver, context: ssl.SSLContext, address: tuple[str, int]
    ) -> None:
        self.receiver = receiver
        self._context = context
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[Any, Any]:
        sock, address = super().get_request()
        self.receiver.connections += 1
        # The handshake is made by the thread of the connection: a slow caller holds up nobody.
        wrapped = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that breaks off, or does not trust us, is no error of the receiver."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server: Any = self.server
        server.receiver.handle(self)

    def log_message(self, *_: object) -> None:
        pass
