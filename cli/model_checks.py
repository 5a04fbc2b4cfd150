"""What `taskforge doctor` asks of the model at each server: each check needs the one before it.

The model is asked as generation asks it, twice and briefly. A model that is
not loaded may take minutes for the first answer.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

from cli import remedies
from cli.findings import Check, FaultError, checked
from cli.remedies import Remedy
from tickets.errors import JobErrorCode
from tickets.settings import Settings
from worker.cancellation import Cancellation
from worker.embedded import process
from worker.embedded.engine import ModelUnavailable
from worker.generation.answer import NoJsonError, parse
from worker.generation.job import GenerationError
from worker.generation.journal import Call, Journal
from worker.model import can_chat, spellings
from worker.model_server import STANDARD_URL, at, with_embedded
from worker.ollama import OllamaClient, RefusedError
from worker.provider import Profile, Provider, lacks

_LOOK_S = 3.0
# A cold start of a large model takes minutes.
_ANSWER_S = 300.0
# The answer takes twenty; the rest is for those that think, whatever they are told.
_ANSWER_TOKENS = 500
_LEAST_CONTEXT = 4096
_SILENT = "the model says nothing"
# How servers say that a model is too large for the machine.
_MEMORY = "memory"

_COLOURS = ("amber", "cobalt")
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "colour": {"type": "string", "enum": list(_COLOURS)},
        "wheels": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "required": ["colour", "wheels"],
    "additionalProperties": False,
}
_STORY = (
    "The returns portal lets customers arrange a return by themselves. They find the order by its "
    "number, choose items, give a reason for each and print a label. Support sees every return in "
    "one place and can extend a deadline. Refunds are paid within five working days. "
)
# What 600 words and 5 tickets come to, in tokens read and written, as `bench/generation.py` found.
_TYPICAL = {Profile.EXTRACTIVE: (900, 120), Profile.FREEFORM: (2500, 1300)}


def embedded_checks(settings: Settings) -> Iterator[Check]:
    """Starts the embedded model beside whatever runs, and asks it."""
    try:
        model = process.start(Path(os.devnull))
    except ModelUnavailable as fault:
        yield Check("model server", ok=False, detail=str(fault), remedy="make install")
        return
    with model:
        own = with_embedded(model.url, settings)
        yield from model_checks(at(model.url, own), own)


def model_checks(provider: Provider, settings: Settings, *, quick: bool = False) -> Iterator[Check]:
    """The checks in order, at each server until one fails; `quick` asks no model anything."""
    servers = provider.apart()
    for server in servers:
        where = f" at {server.client.address}" if len(servers) > 1 else ""
        asked = _Asked(server, settings)
        looks: dict[str, Callable[[], str]] = {
            "model server": asked.server,
            f"model{where}": asked.model,
            f"model structured output{where}": asked.structured_output,
            f"model context{where}": asked.context,
            f"model thinking{where}": asked.thinking,
            f"model speed{where}": asked.speed,
        }
        for name in list(looks)[: 2 if quick else None]:
            check = checked(name, looks[name])
            yield check
            if not check.ok:
                break


class _Asked:
    """One model at one server under examination, with what has been asked of it so far."""

    def __init__(self, provider: Provider, settings: Settings) -> None:
        self._provider = provider
        self._client = provider.client
        self._settings = settings
        self._journal = Journal()
        self._thoughts = 0
        self._speaks_ollama = False

    def server(self) -> str:
        """The server answers."""
        version = "answers"
        try:
            version = f"version {self._client.version(deadline=_soon())}"
            self._speaks_ollama = True
        except RefusedError:
            pass  # it is there, and knows no more than it must
        except GenerationError as fault:
            detail = f"{self._client.address}: {fault.message}"
            raise FaultError(detail, *remedies.start(self._client)) from None
        return f"{self._client.address}, {version}"

    def model(self) -> str:
        """The server has the model."""
        try:
            model = self._provider.model()
        except GenerationError as fault:
            name = self._settings.ollama_model or remedies.GOOD_MODEL
            raise FaultError(fault.message, *remedies.pull(self._client, name)) from None
        if lacks(self._client, model.name):
            detail = f"{model.name} is not installed at {self._client.address}"
            raise FaultError(detail, *remedies.pull(self._client, model.name))
        if not can_chat(model.name, _known(partial(self._client.show, model.name))):
            raise FaultError(f"{model.name} cannot chat", *remedies.use(self._client))
        size = f", {model.parameters / 1e9:.3g} billion parameters" if model.parameters else ""
        return f"{model.name}{size}, profile {model.profile}"

    def structured_output(self) -> str:
        """The model answers in the shape that it is given."""
        text = self._answer()
        if self._call.options["format"] != "schema":
            refusal = next(call.error for call in self._journal.calls if call.error)
            said = refusal.partition(": ")[2]  # behind the code of a job that fails by it
            detail = f"the server takes no schema: {said}"
            raise FaultError(detail, *remedies.update(self._client))
        if not text.strip():
            raise FaultError(_SILENT, *self._load_anew())
        if self._call.finish_reason == "length":
            detail = f"the answer has no end after {_ANSWER_TOKENS} tokens"
            raise FaultError(detail, *remedies.use(self._client))
        try:
            answer = parse(text)
        except NoJsonError:
            answer = None
        fits = isinstance(answer, dict) and set(answer) == set(_SCHEMA["required"])
        if not fits or answer["colour"] not in _COLOURS:
            detail = f"the server ignores the schema: {json.dumps(text[:60])}"
            raise FaultError(detail, *remedies.update(self._client))
        return f"works, the first answer came after {self._call.duration_ms / 1000:.1f} s"

    def context(self) -> str:
        """What a call can hold is enough, and the server gives it."""
        model = self._provider.model()
        if model.context_length < _LEAST_CONTEXT:
            detail = f"holds only {model.context_length} tokens, and {_LEAST_CONTEXT} are needed"
            raise FaultError(detail, *remedies.use(self._client))
        given, asked = _loaded_context(self._client, model.name), self._call.options["num_ctx"]
        if given is not None and given < asked:
            detail = f"{self._client.address} gives {given} tokens in place of {asked}"
            needed = f"OLLAMA_CONTEXT_LENGTH={model.window} "
            raise FaultError(detail, *remedies.restart(self._client, needed))
        return f"{model.context_length} tokens, of which a call takes up to {model.window}"

    def thinking(self) -> str:
        """Whether tokens are spent on thoughts; that costs time and breaks nothing."""
        thinks = self._thoughts or "<think>" in self._call.text or "<thought>" in self._call.text
        if thinks or (self._provider.model().thinks and self._call.options.get("think") is None):
            return "thinks, also when it is told not to: answers take longer"
        return "told not to, and does not" if self._provider.model().thinks else "does not"

    def speed(self) -> str:
        """A typical spec is done within the time for a job."""
        reads, writes = self._rates()
        prompt, answer = _TYPICAL[self._provider.model().profile]
        seconds = prompt / reads + answer / writes
        detail = (
            f"writes {writes:.0f} and reads {reads:.0f} tokens/s; "
            f"5 tickets from 600 words take about {max(1, math.ceil(seconds))} s"
        )
        limit = self._settings.generation_timeout_s
        if seconds > limit:
            enough = f"export TASKFORGE_GENERATION_TIMEOUT_S={math.ceil(2 * seconds)}"
            raise FaultError(f"{detail}, and a job has {limit:g} s", enough)
        return detail

    @property
    def _call(self) -> Call:
        return self._journal.calls[-1]

    def _answer(self) -> str:
        """What the model says to a question whose plain answer would not fit the schema."""
        question = "Say good morning in one friendly sentence."
        with self._explained():
            reply = self._provider.ask(
                [{"role": "user", "content": question}],
                schema=_SCHEMA,
                prompt_tokens=100,
                answer_tokens=_ANSWER_TOKENS,
                deadline=time.monotonic() + _ANSWER_S,
                cancellation=Cancellation(),
                opened=partial(self._journal.call, purpose="doctor", prompt="doctor"),
            )
        self._thoughts = reply.thoughts
        return reply.text

    def _rates(self) -> tuple[float, float]:
        """Tokens a second that the model reads, and writes."""
        arrived: list[float] = []
        model, options = self._provider.model(), self._call.options
        body = {
            "model": model.name,
            "messages": [{"role": "user", "content": _unread(_STORY * 3)}],
            "options": {"num_ctx": options["num_ctx"], "num_predict": 64, "temperature": 0.0},
            **({"think": False} if options.get("think") is False else {}),
        }
        began = time.monotonic()
        with self._explained():
            reply = self._client.chat(
                body,
                deadline=began + _ANSWER_S,
                cancellation=Cancellation(),
                heard=lambda _piece: arrived.append(time.monotonic()),
            )
        if not arrived:
            raise FaultError(_SILENT, *self._load_anew())
        read = reply.prompt_tokens or len(_STORY) * 3 // 4
        written = reply.completion_tokens or len(arrived)
        lasted = max(time.monotonic() - arrived[0], 0.001)
        return read / max(arrived[0] - began, 0.001), written / lasted

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns the failure of a call into a fault with its remedy."""
        try:
            yield
        except RefusedError as refusal:
            raise FaultError(self._told(refusal), *self._mended(refusal)) from None
        except GenerationError as fault:
            away = fault.code is JobErrorCode.OLLAMA_UNAVAILABLE
            mended = remedies.restart(self._client) if away else self._load_anew()
            raise FaultError(fault.message, *mended) from None

    def _told(self, refusal: RefusedError) -> str:
        """A refusal, with what the server said where it is its own to say."""
        if refusal.status != HTTPStatus.NOT_FOUND:
            return f"{refusal.message}: {refusal.detail}" if refusal.detail else refusal.message
        if self._speaks_ollama:
            return refusal.message
        name = self._provider.model().name
        return f"{self._client.address} is no Ollama, or has no model {name!r}"

    def _mended(self, refusal: RefusedError) -> Remedy:
        """What helps against an error that the server has answered with."""
        if refusal.status == HTTPStatus.NOT_FOUND:
            if self._speaks_ollama:
                return remedies.pull(self._client, self._provider.model().name)
            return Remedy(f"export TASKFORGE_OLLAMA_URL={STANDARD_URL}")
        if _MEMORY in refusal.detail:
            return remedies.use_smaller(self._client)
        if refusal.status is None or refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._load_anew()
        return remedies.restart(self._client)

    def _load_anew(self) -> Remedy:
        return remedies.load_anew(self._client, self._provider.model().name)


def _unread(story: str) -> str:
    """An order that the server has read nothing of: what it remembers, it may not count."""
    return f"{uuid4()}: tell this in your own words: {story}"


def _loaded_context(client: OllamaClient, name: str) -> int | None:
    """The context with which a server has loaded a model; None when it does not say."""
    loaded, names = _known(client.ps).get("models") or [], spellings(name)
    given = [entry.get("context_length") for entry in loaded if entry.get("name") in names]
    return next((length for length in given if isinstance(length, int)), None)


def _known(look: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What a server tells about something; empty when it does not say."""
    try:
        return look(deadline=_soon())
    except GenerationError:
        return {}


def _soon() -> float:
    return time.monotonic() + _LOOK_S
