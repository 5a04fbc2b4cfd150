"""A chat's stream of JSON lines, put together to one reply."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from worker.ollama.faults import RefusedError, UnusableError, not_ollama
from worker.ollama.watchdog import Watchdog

# What a result can tell; no answer has as many tokens.
_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Reply:
    """A chat's whole answer. A count that the server does not give is None.

    Attributes:
        thoughts: How many characters of thoughts came in a field of their own.
        server: Host and port of who has answered.
    """

    text: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    thoughts: int = 0
    server: str = ""


def _objects(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """The objects of an `application/x-ndjson` stream."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (_object(line) for line in lines if line.strip())
    if rest.strip():
        yield _object(rest)


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise not_ollama()
    return found


def assemble(chunks: Iterator[bytes], heard: Callable[[str], None]) -> Reply:
    """The reply that an answer's bytes make up.

    Args:
        chunks: The bytes as they come.
        heard: Is given each piece of the answer; of thoughts that there are some, and nothing more.
    """
    parts: list[str] = []
    thoughts: list[str] = []
    watchdog = Watchdog()
    for found in _objects(chunks):
        if "error" in found:
            raise RefusedError(
                None,
                str(found["error"]),
                "the model's server failed while it answered",
                retryable=True,
            )
        message = found.get("message")
        message = message if isinstance(message, dict) else {}
        if thought := _text(message.get("thinking")):
            thoughts.append(thought)
            heard("")
        content = message.get("content")
        if isinstance(content, str):
            parts.append(content)
            heard(content)
            if watchdog.is_stuck(content) and not found.get("done"):
                raise UnusableError("the model repeats itself without end", retryable=False)
        if found.get("done") is True:
            return _reply("".join(parts), "".join(thoughts), found, heard)
    raise UnusableError("the model's answer broke off", retryable=True)


def _reply(text: str, thoughts: str, last: dict[str, Any], heard: Callable[[str], None]) -> Reply:
    """The reply that ends with a stream's last object.

    Some models' templates put the whole answer where thoughts belong: what comes there is taken
    for it when nothing else has come and the model has ended by itself.
    """
    reason = _text(last.get("done_reason"))
    if thoughts.strip() and not text.strip() and reason == "stop":
        text, thoughts = thoughts, ""
        heard(text)
    return Reply(
        text=text,
        finish_reason=reason,
        prompt_tokens=_count(last.get("prompt_eval_count")),
        completion_tokens=_count(last.get("eval_count")),
        thoughts=len(thoughts),
    )


def _count(value: Any) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool)
    return value if known and 0 <= value <= _MOST else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
