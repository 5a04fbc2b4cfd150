"""The scripted Ollama's side of the protocol: HTTP, and streams that can end in every way."""

import json
import select
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.ollama_script import Script

if TYPE_CHECKING:
    from tests.ollama_peer import OllamaPeer

Json = dict[str, Any]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    peer: "OllamaPeer"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers hang up as they like; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _GoneError(Exception):
    """The caller has hung up."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

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
                "size": self.server.peer.size(name)[1] // 2,
                "digest": "0" * 64,
                "details": {
                    "family": "scripted",
                    "families": [],
                    "parameter_size": self.server.peer.size(name)[0],
                },
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
        text, number = self.server.peer.size(name)
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
        peer = self.server.peer
        script = Script(peer, prompt + peer.always + peer.acts(body))
        self._wait_for_headers(script)
        refusal = script.refusal(body)
        if refusal:
            status, message = refusal
            busy = {"Retry-After": peer.retry_after} if status in {429, 503} else {}
            self._json(status, {"error": message}, busy, unended="unended" in script.says)
        elif body.get("stream", True) and "whole" not in script.says:
            self._stream(body, script, prompt)
        else:
            text = script.text(body.get("format"), prompt)
            self._json(200, _last(body, script, text, content=text))

    def _wait_for_headers(self, script: Script) -> None:
        self._pause(self.server.peer.takes())
        if "hang" in script.says or "hold" in script.says:
            self._wait_while(lambda: self.server.peer.holds(script.says.get("hold")))

    def _wait_while(self, holds: Any) -> None:
        """Waits, and notices when the caller hangs up."""
        while holds():
            readable, _, _ = select.select([self.connection], [], [], 0.01)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise _GoneError

    def _stream(self, body: Json, script: Script, prompt: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.server.peer.note_begun()
        if "line" in script.says:
            self._line(self.server.peer.replies[script.says["line"]])
            self.wfile.write(b"0\r\n\r\n")
            return
        script.allow(body)
        text = script.text(body.get("format"), prompt)
        self._pause(float(script.says.get("prefill") or 0))
        thoughts = script.thoughts()
        if "murmurs" in script.says:
            thoughts, text = text, ""
        if thoughts:
            thought = {**_message(""), "thinking": thoughts}
            self._chunk({"model": body["model"], "message": thought, "done": False})
        for piece in script.pieces(text):
            self._pause(float(script.says.get("slow") or 0))
            self._chunk({"model": body["model"], "message": _message(piece), "done": False})
        if "stall" in script.says:
            self._wait_while(lambda: self.server.peer.holds(None))
        if "drips" in script.says:
            self._drip()
        if "reset" in script.says:
            self._reset()
            return
        if error := script.error_within(body):
            self._chunk({"error": error})
        elif "no-done" not in script.says and "loop" not in script.says:
            self._chunk(_last(body, script, text))
        self.wfile.write(b"0\r\n\r\n")

    def _drip(self) -> None:
        while self.server.peer.holds(None):
            self.wfile.write(b"1\r\n\n\r\n")
            time.sleep(0.05)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._wait_while(lambda: time.monotonic() < end)

    def _chunk(self, line: Json) -> None:
        self._line(json.dumps(line))

    def _line(self, line: str) -> None:
        data = line.encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _reset(self) -> None:
        """Ends the connection as a crash does, without a good-bye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _json(
        self,
        status: int,
        body: Json,
        headers: dict[str, str] | None = None,
        *,
        unended: bool = False,
    ) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if unended else data)
        if unended:
            self._wait_while(lambda: self.server.peer.holds(None))


def _message(content: str) -> Json:
    return {"role": "assistant", "content": content}


def _last(body: Json, script: Script, text: str, *, content: str = "") -> Json:
    reason = next((name for name in ("length", "load", "unload") if name in script.says), "stop")
    written = script.completion_tokens(text)
    counts = {"prompt_eval_count": script.prompt_tokens(), "eval_count": written}
    return {
        "model": body["model"],
        "created_at": "2026-08-01T00:00:00Z",
        "message": _message(content),
        "done": "no-done" not in script.says,
        "done_reason": reason,
        "total_duration": 1_000_000,
        **({} if "no-counts" in script.says else counts),
    }
