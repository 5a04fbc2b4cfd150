"""Ollama's HTTP endpoints over the engine: one generation at a time, the rest in line."""

import json
import logging
import signal
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from itertools import chain
from typing import Any, ClassVar
from urllib.parse import urlsplit

from worker.cancellation import Cancellation
from worker.embedded import answers
from worker.embedded.completion import Cancelled, Ended, EngineFailed, complete
from worker.embedded.disconnect import cancelled_on_disconnect
from worker.embedded.engine import Engine
from worker.embedded.line import LeftLine, Line, LineFull
from worker.embedded.request import Chat, Refused, body_of, chat_of, known_model

ANY_PORT = "127.0.0.1:0"
MOST_WAITING = 16
# The window holds about 40 KB of text; a larger body can only be refused.
MOST_BYTES = 16 * 1024 * 1024
BUSY = "server busy, please try again.  maximum pending requests exceeded"

log = logging.getLogger(__name__)


def serve(bind: str | None = None, *, announce: Callable[[str], None] = print) -> None:
    """Serves the embedded model until SIGTERM or SIGINT. To be called on the main thread.

    Args:
        bind: HOST:PORT to listen on; port 0, or no bind, takes a free one.
        announce: Gets the URL once the model answers.

    Raises:
        ModelUnavailable: The model cannot run here.
        OSError: The address is taken, or not this machine's.
    """
    ends = {signal.SIGTERM, signal.SIGINT}
    # Blocked before any thread starts, so that all inherit it and the wait below gets the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    engine = Engine()
    with OllamaServer(bind or ANY_PORT, engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        announce(server.url)
        signal.sigwait(ends)
        log.info("stopping")
        server.shutdown()
        # The engine does not end under a request.
        server.cancel_all()
    engine.close()


class OllamaServer(socketserver.ThreadingTCPServer):
    """Listens at `bind`, with a thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, bind: str, engine: Engine) -> None:
        host, _, port = bind.rpartition(":")
        super().__init__((host, int(port)), Handler)
        self.engine = engine
        self.line = Line(MOST_WAITING)
        bound_host, bound_port = self.socket.getsockname()[:2]
        self.url = f"http://{bound_host}:{bound_port}"
        self.local_only = ip_address(bound_host).is_loopback
        self._open: set[Cancellation] = set()
        self._closing = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up as they like; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @contextmanager
    def cancellable(self) -> Iterator[Cancellation]:
        """A cancellation for one request, which `cancel_all` reaches too."""
        cancellation = Cancellation()
        self._open.add(cancellation)
        if self._closing:
            cancellation.request()
        try:
            yield cancellation
        finally:
            self._open.discard(cancellation)

    def cancel_all(self) -> None:
        """Cancels every request that is open or comes later."""
        self._closing = True
        for cancellation in self._open.copy():
            cancellation.request()


class Handler(BaseHTTPRequestHandler):
    """One connection, and the requests that come over it one by one."""

    server: OllamaServer
    protocol_version = "HTTP/1.1"
    # Small chunks would otherwise wait for the client's acknowledgements.
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        log.debug(format, *args)

    def _answer(self) -> None:
        try:
            self._refuse_strangers()
            self._handler()(self)
        except Refused as refusal:
            self._send(refusal.status, {"error": refusal.message})
        except LineFull:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, {"error": BUSY})
        except EngineFailed as failure:
            # What it says may hold the beginning of an answer.
            log.warning("chat: the engine failed, as the caller is told")
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(failure)})
        except (Cancelled, LeftLine, ConnectionError, TimeoutError):
            log.info("%s: cancelled", self.path)
            self.close_connection = True

    def _refuse_strangers(self) -> None:
        """A web page in this machine's browser may reach loopback; it is not who we serve."""
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        names_us = _is_loopback(f"//{host}") if host else True
        if self.server.local_only and not (names_us and (not origin or _is_loopback(origin))):
            self.close_connection = True
            raise Refused(HTTPStatus.FORBIDDEN, "forbidden")

    def _handler(self) -> Callable[["Handler"], None]:
        methods = self.routes.get(urlsplit(self.path).path, {})
        if self.command not in methods:
            self.close_connection = True  # its body is left unread
            status = HTTPStatus.METHOD_NOT_ALLOWED if methods else HTTPStatus.NOT_FOUND
            raise Refused(status, status.phrase.lower())
        return methods[self.command]

    def _root(self) -> None:
        self._send_bytes(HTTPStatus.OK, b"Ollama is running", "text/plain; charset=utf-8")

    def _version(self) -> None:
        self._send(HTTPStatus.OK, {"version": answers.VERSION})

    def _tags(self) -> None:
        self._send(HTTPStatus.OK, answers.tags(self.server.engine.model))

    def _ps(self) -> None:
        self._send(HTTPStatus.OK, answers.loaded_models(self.server.engine.model))

    def _show(self) -> None:
        known_model(body_of(self._body()), "model", "name")
        self._send(HTTPStatus.OK, answers.show(self.server.engine.model))

    def _chat(self) -> None:
        chat = chat_of(body_of(self._body()))
        if chat.engine_request is None:
            self._send(HTTPStatus.OK, answers.loaded(chat.model))
            return
        arrived = time.monotonic_ns()
        with (
            self.server.cancellable() as cancellation,
            cancelled_on_disconnect(self.connection, cancellation),
            self.server.line.turn(cancellation),
            closing(complete(self.server.engine, chat.engine_request, cancellation)) as pieces,
        ):
            lines = _lines(chat, pieces, arrived)
            if chat.stream:
                self._send_lines(lines)
            else:
                self._send(HTTPStatus.OK, _as_one(lines))

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length")
        if length is None or not length.isdigit():
            self.close_connection = True
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "Content-Length is required")
        if int(length) > MOST_BYTES:
            self.close_connection = True
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request body too large")
        return self.rfile.read(int(length))

    def _send(self, status: int, answer: answers.Answer) -> None:
        self._send_bytes(status, _encoded(answer), "application/json; charset=utf-8")

    def _send_bytes(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_lines(self, lines: Iterator[answers.Answer]) -> None:
        # The status is Ollama's first sign of life: it waits for the first token too.
        first = next(lines)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in chain([first], _with_failure(lines)):
            self._send_chunk(_encoded(line) + b"\n")
        self._send_chunk(b"")

    def _send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    routes: ClassVar[dict[str, dict[str, Callable[["Handler"], None]]]] = {
        "/": {"GET": _root, "HEAD": _root},
        "/api/version": {"GET": _version, "HEAD": _version},
        "/api/tags": {"GET": _tags, "HEAD": _tags},
        "/api/ps": {"GET": _ps},
        "/api/show": {"POST": _show},
        "/api/chat": {"POST": _chat},
    }


def _lines(chat: Chat, pieces: Iterator[str | Ended], arrived: int) -> Iterator[answers.Answer]:
    load_ns = time.monotonic_ns() - arrived
    for item in pieces:
        if isinstance(item, str):
            yield answers.piece(chat.model, item)
        else:
            total_ns = time.monotonic_ns() - arrived
            _log_end(item, total_ns)
            yield answers.last(chat.model, "", item, total_ns=total_ns, load_ns=load_ns)


def _as_one(lines: Iterator[answers.Answer]) -> answers.Answer:
    """A streamed answer as the one object that `stream: false` asks for."""
    all_lines = list(lines)
    text = "".join(line["message"]["content"] for line in all_lines)
    return {**all_lines[-1], "message": {"role": "assistant", "content": text}}


def _with_failure(lines: Iterator[answers.Answer]) -> Iterator[answers.Answer]:
    """The lines; an engine that breaks off becomes the last, as the status is out already."""
    try:
        yield from lines
    except EngineFailed as failure:
        log.warning("chat: the engine failed, as the caller is told")
        yield {"error": str(failure)}


def _log_end(ended: Ended, total_ns: int) -> None:
    log.info(
        "chat: %d tokens in, %d out, %.1f s, %s",
        ended.prompt_tokens,
        ended.tokens,
        total_ns / 1e9,
        ended.reason,
    )


def _encoded(answer: answers.Answer) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
