"""A scripted Ollama: the protocol as the real one speaks it, with faults on demand.

By default it answers at once, with an instance of the `format` schema filled
with words of the prompt. A marker in the prompt changes that:

    [[peer: hang]]             no headers, ever
    [[peer: hold NAME]]        no headers until NAME is released
    [[peer: slow 0.2]]         so many seconds before each chunk
    [[peer: prefill 0.2]]      headers at once, and so many seconds to the first chunk
    [[peer: whole]]            one object instead of a stream, whatever was asked for
    [[peer: stall]]            half an answer, then silence
    [[peer: status 503]]       an error before the first chunk
    [[peer: fail-once NAME]]   status 500, the first time only
    [[peer: full]]             status 500: the machine's memory is too small
    [[peer: no-schema]]        400 for a schema, JSON for `format: "json"`
    [[peer: no-format]]        400 for any `format`
    [[peer: no-think]]         400 for `think`
    [[peer: narrow 500]]       400 for a prompt of more tokens
    [[peer: cuts 500]]         a prompt of more tokens is cut to half of that, silently
    [[peer: caches]]           the beginning of an earlier prompt is not counted again
    [[peer: no-single]]        500 for an answer of one token
    [[peer: thinks]]           thoughts in a field of their own before the answer
    [[peer: ponders 200]]      so many tokens of thoughts first, whatever it was told
    [[peer: load]]             nothing but `done_reason: load`
    [[peer: unload]]           nothing but `done_reason: unload`
    [[peer: sorted]]           the keys of each object in another order
    [[peer: error-line]]       an error within the 200 stream
    [[peer: no-done]]          the stream ends, without `done`
    [[peer: reset]]            the connection breaks within the stream
    [[peer: garbage]]          prose instead of JSON
    [[peer: garbage-once NAME]]  the first time only
    [[peer: fenced]]           JSON in a code fence, within prose and thoughts
    [[peer: length]]           cut off, `done_reason: length`
    [[peer: length-once NAME]] the first time only
    [[peer: loop]]             one word over and over
    [[peer: blank]]            whitespace without end
    [[peer: short]]            one ticket fewer than it could be
    [[peer: no-counts]]        without token counts
    [[peer: reply TEXT_NAME]]  the text registered under that name

Run alone with `python -m tests.ollama_peer --port 11434`.
"""

import argparse
import json
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from typing import Any, Self

from tests.ollama_script import Script, tokens

LARGE = "scripted:8b"
SMALL = "scripted:135m"

_SIZES = {LARGE: ("8B", 8_000_000_000), SMALL: ("135M", 135_000_000)}
Json = dict[str, Any]


class OllamaPeer:
    """The server, in threads of its own. Use it as a context manager.

    Attributes:
        requests: Every request as `{method, path, body}`, in order of arrival.
        begun: How many streams have their headers sent.
        disconnects: How many callers hung up before their answer was whole.
        replies: Texts for `[[peer: reply NAME]]`.
        choose: Picks among a schema's `enum`; the first by default.
        fill: Makes an answer of a schema, instead of the default's words.
        takes: How many seconds it thinks before it answers; none by default.
        models: The names of the installed models.
        capabilities: What `/api/show` says of each model.
        context_length: What `/api/show` says of each model.
        loaded_context: What `/api/ps` says of each, where it says anything.
        always: Markers that count for every prompt.
        only_chat: Everything but `/api/chat` is 404.
    """

    def __init__(self, port: int = 0, *, models: tuple[str, ...] = (LARGE, SMALL)) -> None:
        self.requests: list[Json] = []
        self.begun = 0
        self.disconnects = 0
        self.replies: dict[str, str] = {}
        self.choose: Callable[[list[Any]], Any] = lambda values: values[0]
        self.fill: Callable[[Json], Any] | None = None
        self.takes: Callable[[], float] = lambda: 0.0
        self.models = models
        self.capabilities = ["completion"]
        self.context_length = 8192
        self.loaded_context: int | None = None
        self.always = ""
        self.only_chat = False
        self._lock = threading.Lock()
        self._released: set[str] = set()
        self._seen: set[str] = set()
        self._prompts: list[str] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.peer = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def release(self, name: str) -> None:
        """Lets the calls go on that `[[peer: hold NAME]]` holds."""
        with self._lock:
            self._released.add(name)

    def chats(self) -> list[Json]:
        """The bodies of all chat requests."""
        return [request["body"] for request in self.requests if request["path"] == "/api/chat"]

    def note(self, method: str, path: str, body: Json) -> None:
        with self._lock:
            self.requests.append({"method": method, "path": path, "body": body})

    def first_time(self, what: str) -> bool:
        with self._lock:
            new = what not in self._seen
            self._seen.add(what)
            return new

    def remembered(self, prompt: str) -> int:
        """How many characters it begins with that an earlier prompt has begun with."""
        with self._lock:
            shared = [_shared(prompt, earlier) for earlier in self._prompts]
            self._prompts.append(prompt)
        return max(shared, default=0)

    def note_begun(self) -> None:
        with self._lock:
            self.begun += 1

    def note_disconnect(self) -> None:
        with self._lock:
            self.disconnects += 1

    def holds(self, name: str | None) -> bool:
        """Whether a call is still held; None is never released."""
        with self._lock:
            return not self._closing.is_set() and name not in self._released


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    peer: OllamaPeer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers hang up as they like; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _GoneError(Exception):
    """The caller has hung up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def do_GET(self) -> None:
        self._route("GET", {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            self._json(400, {"error": "invalid character in request body"})
            return
        self._route("POST", body)

    def _route(self, method: str, body: Json) -> None:
        peer = self.server.peer
        if self.path.startswith("/control/"):
            self._control()
            return
        peer.note(method, self.path, body)
        known = self._answers().get((method, self.path))
        if known is None or (peer.only_chat and self.path != "/api/chat"):
            self._json(404, {"error": "404 page not found"})
            return
        try:
            known(body)
        except (_GoneError, BrokenPipeError, ConnectionResetError):
            peer.note_disconnect()
            self.close_connection = True

    def _answers(self) -> dict[tuple[str, str], Any]:
        return {
            ("GET", "/api/version"): lambda _: self._json(200, {"version": "0.33.0"}),
            ("GET", "/api/tags"): lambda _: self._json(200, {"models": self._listed()}),
            ("GET", "/api/ps"): lambda _: self._json(200, {"models": self._loaded()}),
            ("POST", "/api/show"): self._show,
            ("POST", "/api/chat"): self._chat,
        }

    def _control(self) -> None:
        peer = self.server.peer
        if self.path.startswith("/control/release/"):
            peer.release(self.path.rpartition("/")[2])
            self._json(200, {})
        elif self.path == "/control/requests":
            self._json(200, {"requests": peer.requests, "disconnects": peer.disconnects})
        else:
            self._json(404, {"error": "no such control"})

    def _listed(self) -> list[Json]:
        return [
            {
                "name": name,
                "model": name,
                "modified_at": "2026-08-01T00:00:00Z",
                "size": _size(name)[1] // 2,
                "digest": "0" * 64,
                "details": {"family": "scripted", "families": [], "parameter_size": _size(name)[0]},
            }
            for name in self.server.peer.models
        ]

    def _loaded(self) -> list[Json]:
        context = self.server.peer.loaded_context
        told = {} if context is None else {"context_length": context}
        return [{**model, **told} for model in self._listed()]

    def _show(self, body: Json) -> None:
        name = body.get("model", "")
        if name not in self.server.peer.models:
            self._json(404, {"error": f"model '{name}' not found"})
            return
        text, number = _size(name)
        self._json(
            200,
            {
                "details": {"family": "scripted", "families": [], "parameter_size": text},
                "model_info": {
                    "general.architecture": "scripted",
                    "general.parameter_count": number,
                    "scripted.context_length": self.server.peer.context_length,
                },
                "capabilities": self.server.peer.capabilities,
            },
        )

    def _chat(self, body: Json) -> None:
        if not body.get("model"):
            self._json(400, {"error": "model is required"})
            return
        if body.get("model") not in self.server.peer.models and not self.server.peer.only_chat:
            self._json(404, {"error": f"model '{body.get('model')}' not found"})
            return
        prompt = "\n".join(message["content"] for message in body["messages"])
        script = Script(self.server.peer, prompt + self.server.peer.always)
        self._wait_for_headers(script)
        refusal = script.refusal(body)
        if refusal:
            status, message = refusal
            extra = {"Retry-After": "7"} if status in {429, 503} else {}
            self._json(status, {"error": message}, extra)
        elif body.get("stream", True) and "whole" not in script.says:
            self._stream(body, script, prompt)
        else:
            text = script.text(body.get("format"), prompt)
            self._json(200, _last(body, script, text, content=text))

    def _wait_for_headers(self, script: "Script") -> None:
        self._pause(self.server.peer.takes())
        if "hang" in script.says or "hold" in script.says:
            self._wait_while(lambda: self.server.peer.holds(script.says.get("hold")))

    def _wait_while(self, holds: Any) -> None:
        """Waits, and notices when the caller hangs up."""
        while holds():
            readable, _, _ = select.select([self.connection], [], [], 0.01)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise _GoneError

    def _stream(self, body: Json, script: "Script", prompt: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.server.peer.note_begun()
        script.allow(body)
        text = script.text(body.get("format"), prompt)
        self._pause(float(script.says.get("prefill") or 0))
        if thoughts := script.thoughts():
            thought = {**_message(""), "thinking": thoughts}
            self._chunk({"model": body["model"], "message": thought, "done": False})
        for piece in script.pieces(text):
            self._pause(float(script.says.get("slow") or 0))
            self._chunk({"model": body["model"], "message": _message(piece), "done": False})
        if "stall" in script.says:
            self._wait_while(lambda: self.server.peer.holds(None))
        if "reset" in script.says:
            self._reset()
            return
        if "error-line" in script.says:
            self._chunk({"error": "llama runner process has terminated"})
        elif "no-done" not in script.says and "loop" not in script.says:
            self._chunk(_last(body, script, text))
        self.wfile.write(b"0\r\n\r\n")

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._wait_while(lambda: time.monotonic() < end)

    def _chunk(self, line: Json) -> None:
        data = json.dumps(line).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _reset(self) -> None:
        """Ends the connection as a crash does, without a good-bye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _json(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _size(name: str) -> tuple[str, int]:
    return _SIZES.get(name, _SIZES[LARGE])


def _shared(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _message(content: str) -> Json:
    return {"role": "assistant", "content": content}


def _last(body: Json, script: Script, text: str, *, content: str = "") -> Json:
    reason = next((name for name in ("length", "load", "unload") if name in script.says), "stop")
    counts = {"prompt_eval_count": script.prompt_tokens(), "eval_count": max(tokens(text), 1)}
    return {
        "model": body["model"],
        "created_at": "2026-08-01T00:00:00Z",
        "message": _message(content),
        "done": "no-done" not in script.says,
        "done_reason": reason,
        "total_duration": 1_000_000,
        **({} if "no-counts" in script.says else counts),
    }


def main() -> None:
    """Serves until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--small", action="store_true", help="list the small model only")
    given = parser.parse_args()
    models = (SMALL,) if given.small else (LARGE, SMALL)
    with OllamaPeer(given.port, models=models) as peer:
        print(peer.url, flush=True)  # noqa: T201 - for whoever started it
        threading.Event().wait()


if __name__ == "__main__":
    main()
