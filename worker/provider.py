"""The model that tickets come from: where it is, what it can do, and how it is asked.

What is known about the model is looked up once and kept for a while. A server
that knows nothing but `/api/chat` will do as long as the model is named.
"""

import contextlib
import re
import threading
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tickets.errors import JobErrorCode
from tickets.settings import EMBEDDED, Settings
from worker.cancellation import Cancellation
from worker.generation.job import GenerationError
from worker.ollama import OllamaClient, RefusedError, Reply

STANDARD_URL = "http://127.0.0.1:11434"

_LOOKUP_S = 5.0
_KNOWN_FOR_S = 600.0
_GUESSED_FOR_S = 30.0
_UNKNOWN_CONTEXT = 8192
# A larger window costs the model's server memory that a batch of tickets does not need.
_CONTEXT_BUCKETS = (4096, 8192, 16384)
_FREEFORM_FROM = 2_000_000_000
_KEEP_ALIVE = "10m"


class Profile(StrEnum):
    """How tickets are made. `EXTRACTIVE`: the model chooses; `FREEFORM`: it writes."""

    EXTRACTIVE = "extractive"
    FREEFORM = "freeform"


@dataclass(frozen=True, slots=True)
class Model:
    """What is known about a model.

    Attributes:
        name: As its server calls it.
        parameters: How many it has; None when nobody says.
        context_length: Tokens that it can take and give in one call.
        thinks: It reasons before it answers, unless told not to.
        profile: How tickets are made with it.
    """

    name: str
    parameters: int | None
    context_length: int
    thinks: bool
    profile: Profile

    @property
    def window(self) -> int:
        """The tokens of one call that generation counts on."""
        return min(self.context_length, _CONTEXT_BUCKETS[-1])


_FORMATS = ("schema", "json", "none")
_REFUSALS = frozenset({400, 422, 501})


@dataclass(frozen=True, slots=True)
class _Manner:
    """How much of its protocol a server is asked for."""

    format: int
    tells_not_to_think: bool

    def extras(self, schema: dict[str, Any], *, thinks: bool) -> dict[str, Any]:
        """The parts of a request that some servers refuse."""
        extras: dict[str, Any] = {}
        if thinks and self.tells_not_to_think:
            extras["think"] = False
        if _FORMATS[self.format] != "none":
            extras["format"] = schema if _FORMATS[self.format] == "schema" else "json"
        return extras

    def lesser(self, refusal: RefusedError, *, asked: bool) -> "_Manner | None":
        """What to try after a refusal; None: asking for less would not help."""
        if refusal.status not in _REFUSALS or refusal.over_context:
            return None
        if asked and "think" in refusal.detail:
            return replace(self, tells_not_to_think=False)
        if self.format + 1 < len(_FORMATS):
            return replace(self, format=self.format + 1)
        return None


class Provider:
    """One model at one server. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        profile: str = "auto",
        client: OllamaClient | None = None,
    ) -> None:
        self.client = client or OllamaClient(url)
        self._named = model
        self._profile = profile
        self._lock = threading.Lock()
        self._model: Model | None = None
        self._known_until = 0.0
        self._taken = _Manner(format=0, tells_not_to_think=True)

    def model(self) -> Model:
        """The model that is used; asks its server when that was long ago.

        Raises:
            GenerationError: No model is named and none is found.
        """
        with self._lock:
            if self._model is None or time.monotonic() >= self._known_until:
                self._model, certain = self._look_up()
                kept = _KNOWN_FOR_S if certain else _GUESSED_FOR_S
                self._known_until = time.monotonic() + kept
            return self._model

    def ask(
        self,
        messages: list[dict[str, str]],
        *,
        schema: dict[str, Any],
        prompt_tokens: int,
        answer_tokens: int,
        deadline: float,
        cancellation: Cancellation,
        temperature: float = 0.0,
    ) -> Reply:
        """One answer of the model, in the shape of a schema where the server can do that.

        Args:
            messages: As `/api/chat` takes them.
            schema: What the answer has to look like.
            prompt_tokens: How long the messages are, estimated.
            answer_tokens: The most that the model may write.
            deadline: On the monotonic clock.
            cancellation: Ends the call at any moment.
            temperature: 0 for the likeliest answer.
        """
        model = self.model()
        options = {
            "num_ctx": _bucket(prompt_tokens + answer_tokens, model.context_length),
            "num_predict": answer_tokens,
            "temperature": temperature,
        }
        body = {
            "model": model.name,
            "messages": messages,
            "options": options,
            "truncate": False,
            "shift": False,
            "keep_alive": _KEEP_ALIVE,
        }
        manner = self._taken
        while True:
            extras = manner.extras(schema, thinks=model.thinks)
            try:
                reply = self.client.chat(
                    {**body, **extras}, deadline=deadline, cancellation=cancellation
                )
            except RefusedError as refusal:
                lesser = manner.lesser(refusal, asked="think" in extras)
                if lesser is None:
                    raise
                manner = lesser
            else:
                # What the server has refused, it need not be asked for the next job.
                self._taken = manner
                return reply

    def _look_up(self) -> tuple[Model, bool]:
        """The model, and whether its server has described it."""
        if self._named:
            details: dict[str, Any] = {}
            # Whatever is wrong, the chat call will show it, or get by without.
            with contextlib.suppress(GenerationError):
                details = self.client.show(self._named, deadline=_soon())
            return _model(self._named, details, self._profile), bool(details)
        for name, listed in self._installed():
            details = dict(listed)
            with contextlib.suppress(GenerationError):
                details |= self.client.show(name, deadline=_soon())
            if _can_chat(name, details):
                return _model(name, details, self._profile), True
        raise GenerationError(
            JobErrorCode.OLLAMA_UNAVAILABLE,
            "no chat model is installed at the model's server",
            retryable=True,
        )

    def _installed(self) -> list[tuple[str, dict[str, Any]]]:
        listed = self.client.tags(deadline=_soon()).get("models")
        models = [entry for entry in listed or [] if isinstance(entry, dict)]
        named = [(entry.get("model") or entry.get("name"), entry) for entry in models]
        return [(name, entry) for name, entry in named if isinstance(name, str) and name]


def find(settings: Settings) -> Provider | None:
    """The provider that the settings ask for; None: the embedded model has to be started.

    A server that is named is not asked whether it is there: it may come later.
    """
    if settings.ollama_url == EMBEDDED:
        return None
    if settings.ollama_url:
        return at(settings.ollama_url, settings)
    return at(STANDARD_URL, settings) if _answers(STANDARD_URL) else None


def at(url: str, settings: Settings) -> Provider:
    """The provider at a URL, with the settings' model and profile."""
    return Provider(url, model=settings.ollama_model, profile=settings.profile)


def _answers(url: str) -> bool:
    try:
        OllamaClient(url).version(deadline=time.monotonic() + 0.5)
    except GenerationError:
        return False
    return True


def _soon() -> float:
    return time.monotonic() + _LOOKUP_S


def _bucket(tokens: int, context_length: int) -> int:
    """A window that fits; few different ones, as each change reloads the model."""
    fitting = next((size for size in _CONTEXT_BUCKETS if size >= tokens), _CONTEXT_BUCKETS[-1])
    return min(fitting, context_length)


def _model(name: str, details: dict[str, Any], profile: str) -> Model:
    parameters = _parameters(name, details)
    small = parameters is not None and parameters < _FREEFORM_FROM
    by_size = Profile.EXTRACTIVE if small else Profile.FREEFORM
    capabilities = details.get("capabilities")
    return Model(
        name=name,
        parameters=parameters,
        context_length=_context_length(details),
        thinks=isinstance(capabilities, list) and "thinking" in capabilities,
        profile=by_size if profile == "auto" else Profile(profile),
    )


def _can_chat(name: str, details: dict[str, Any]) -> bool:
    capabilities = details.get("capabilities")
    if isinstance(capabilities, list) and capabilities:
        return "completion" in capabilities
    families = _mapping(details, "details").get("families")
    bert = isinstance(families, list) and any("bert" in str(family) for family in families)
    return not bert and "embed" not in name


def _context_length(details: dict[str, Any]) -> int:
    info = _mapping(details, "model_info")
    found = info.get(f"{info.get('general.architecture')}.context_length")
    return found if isinstance(found, int) and found >= 1024 else _UNKNOWN_CONTEXT  # noqa: PLR2004 - less is no context but a mistake


def _parameters(name: str, details: dict[str, Any]) -> int | None:
    counted = _mapping(details, "model_info").get("general.parameter_count")
    if isinstance(counted, int) and counted > 0:
        return counted
    size = _mapping(details, "details").get("parameter_size")
    if isinstance(size, str) and (parsed := _size(size)):
        return parsed
    return _size(name.partition(":")[2])


def _size(text: str) -> int | None:
    """What `135M`, `8B`, `8x7B` or `1.5b-instruct` stand for."""
    found = re.match(r"(?:(\d+)x)?(\d+(?:\.\d+)?)([kmb])\b", text.strip(), re.IGNORECASE)
    if not found:
        return None
    times, number, unit = found.groups()
    scale = {"k": 10**3, "m": 10**6, "b": 10**9}[unit.lower()]
    return int(int(times or 1) * float(number) * scale)


def _mapping(details: dict[str, Any], key: str) -> dict[str, Any]:
    found = details.get(key)
    return found if isinstance(found, dict) else {}
