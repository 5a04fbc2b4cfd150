"""One answer of the engine, piece by piece, until it ends or is cancelled."""

import json
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any

from worker.cancellation import Cancellation
from worker.embedded.engine import Engine
from worker.embedded.request import Refused

_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
_DATA = b"data: "


class Cancelled(Exception):  # noqa: N818 - an order carried out, not an error
    """The generation was cancelled and has stopped."""


class EngineFailed(Exception):  # noqa: N818 - its own fault, told to the client as it is
    """The engine broke off."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an answer ended, and what it cost."""

    reason: str
    prompt_tokens: int
    prompt_ns: int
    tokens: int
    tokens_ns: int


def complete(
    engine: Engine, request: dict[str, Any], cancellation: Cancellation
) -> Generator[str | Ended, None, None]:
    """The pieces of the answer's text, then how it ended.

    Raises:
        Refused: The engine does not take the request.
        Cancelled: The cancellation came first.
        EngineFailed: The engine broke off.
    """
    try:
        with (
            closing(engine.connect()) as connection,
            cancellation.interrupting(_hanging_up(connection.sock)),
        ):
            engine.send(connection, {**request, **_STREAM})
            with connection.getresponse() as response:
                yield from _pieces(response)
    except (HTTPException, OSError) as fault:
        if cancellation.requested:
            raise Cancelled from fault
        raise EngineFailed(f"the engine hung up: {fault}") from fault
    except EngineFailed:
        if cancellation.requested:
            raise Cancelled from None
        raise


def _hanging_up(wire: socket.socket) -> Callable[[], None]:
    def hang_up() -> None:
        with suppress(OSError):  # it may have ended by itself just now
            wire.shutdown(socket.SHUT_RDWR)

    return hang_up


def _pieces(response: HTTPResponse) -> Iterator[str | Ended]:
    if response.status != HTTPStatus.OK:
        raise _refusal(response.status, response.read().decode(errors="replace"))
    reason = ""
    for event in _events(response):
        if "error" in event:
            raise EngineFailed(json.dumps(event["error"]))
        for choice in event["choices"]:
            reason = choice["finish_reason"] or reason
            if text := choice["delta"].get("content"):
                yield text
        if reason and "usage" in event:
            yield _ended(reason, event)
            return
    raise EngineFailed("the engine stopped without an end")


def _refusal(status: int, text: str) -> Refused:
    """The engine's error, which Ollama passes on as text within its own."""
    wrong_request = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return Refused(HTTPStatus.BAD_REQUEST if wrong_request else status, text)


def _events(response: HTTPResponse) -> Iterator[dict[str, Any]]:
    """The server-sent events of a response; also an error is one."""
    for line in response:
        if line.startswith(_DATA) and not line.startswith(_DATA + b"[DONE]"):
            yield json.loads(line[len(_DATA) :])


def _ended(reason: str, event: dict[str, Any]) -> Ended:
    usage, timings = event["usage"], event["timings"]
    return Ended(
        reason=reason,
        prompt_tokens=usage["prompt_tokens"],
        prompt_ns=round(timings["prompt_ms"] * 1e6),
        tokens=usage["completion_tokens"],
        tokens_ns=round(timings["predicted_ms"] * 1e6),
    )
