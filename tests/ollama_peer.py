"""A scripted Ollama: the protocol as the real one speaks it, with faults on demand.

By default it answers at once, with an instance of the `format` schema filled
with words of the prompt. A marker in the prompt changes that:

    [[peer: hang]]             no headers, ever
    [[peer: hold NAME]]        no headers until NAME is released
    [[peer: slow 0.2]]         so many seconds before each chunk
    [[peer: prefill 0.2]]      headers at once, and so many seconds to the first chunk
    [[peer: whole]]            one object instead of a stream, whatever was asked for
    [[peer: stall]]            half an answer, then silence
    [[peer: drips]]            half an answer, then blank lines without end
    [[peer: status 503]]       an error before the first chunk
    [[peer: unended 500]]      the same, and half of its text
    [[peer: fail-once NAME]]   status 500, the first time only
    [[peer: full]]             status 500: the machine's memory is too small
    [[peer: no-schema]]        400 for a schema, JSON for `format: "json"`
    [[peer: old-schema]]       500 for a schema, as releases before 0.30 refuse one
    [[peer: older-schema]]     the same within a stream
    [[peer: no-format]]        400 for any `format`
    [[peer: no-think]]         400 for `think`
    [[peer: narrow 500]]       400 for a prompt of more tokens
    [[peer: cuts 500]]         a prompt of more tokens is cut to half of that, silently
    [[peer: caches]]           the beginning of an earlier prompt is not counted again
    [[peer: no-single]]        500 for an answer of one token
    [[peer: thinks]]           thoughts in a field of their own before the answer
    [[peer: murmurs]]          the whole answer where thoughts belong
    [[peer: ponders 200]]      so many tokens of thoughts first, whatever it was told
    [[peer: load]]             nothing but `done_reason: load`
    [[peer: unload]]           nothing but `done_reason: unload`
    [[peer: sorted]]           the keys of each object in another order
    [[peer: error-line]]       an error within the 200 stream
    [[peer: line NAME]]        the text registered under that name as the stream's only line
    [[peer: no-done]]          the stream ends, without `done`
    [[peer: reset]]            the connection breaks within the stream
    [[peer: garbage]]          prose instead of JSON
    [[peer: garbage-once NAME]]  the first time only
    [[peer: fenced]]           JSON in a code fence, within prose and thoughts
    [[peer: length]]           cut off, `done_reason: length`
    [[peer: verbose 600]]      each ticket takes so many tokens, and what is too much is cut off
    [[peer: length-once NAME]] the first time only
    [[peer: loop]]             one word over and over
    [[peer: blank]]            whitespace without end
    [[peer: short]]            one ticket fewer than it could be
    [[peer: no-counts]]        without token counts
    [[peer: reply TEXT_NAME]]  the text registered under that name

Run alone with `python -m tests.ollama_peer --port 11434`.
"""

import argparse
import threading
from collections.abc import Callable
from itertools import takewhile
from typing import Any, Self

from tests.ollama_protocol import Handler, Server

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
        replies: Texts for `[[peer: reply NAME]]` and `[[peer: line NAME]]`.
        choose: Picks among a schema's `enum`; the first by default.
        fill: Makes an answer of a schema, instead of the default's words.
        takes: How many seconds it thinks before it answers; none by default.
        models: The names of the installed models.
        capabilities: What `/api/show` says of each model.
        context_length: What `/api/show` says of each model.
        loaded_context: What `/api/ps` says of each, where it says anything.
        always: Markers that count for every prompt.
        acts: Gives further markers for one call, by its body; none by default.
        retry_after: What a server that is busy asks for: seconds, or a date.
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
        self.acts: Callable[[Json], str] = lambda _: ""
        self.retry_after = "7"
        self.only_chat = False
        self._lock = threading.Lock()
        self._released: set[str] = set()
        self._seen: set[str] = set()
        self._prompts: list[str] = []
        self._closing = threading.Event()
        self._server = Server(("127.0.0.1", port), Handler)
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

    def size(self, name: str) -> tuple[str, int]:
        """A model's parameters, in words and in figures."""
        return _SIZES.get(name, _SIZES[LARGE])

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


def _shared(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


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
