"""The model that tickets come from: what is known about it, and how it is asked.

What is known is looked up once and kept for a while. A server that knows nothing
but `/api/chat` will do as long as the model is named.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from tickets.errors import JobErrorCode
from worker.cancellation import Cancellation
from worker.generation.job import GenerationCancelled, GenerationError
from worker.generation.journal import Call
from worker.model import Model, Profile, can_chat, described, spellings
from worker.ollama import Hosts, OllamaClient, RefusedError, Reply
from worker.ollama.hosts import Host, is_the_hosts

__all__ = ["Model", "Profile", "Provider"]

_LOOKUP_S = 5.0
# How soon a job that waits for another one's look-up notices that it has to stop.
_TURN_S = 0.2
_KNOWN_FOR_S = 600.0
_GUESSED_FOR_S = 30.0
_KEEP_ALIVE = "10m"

# Opens the record of a request, from `model`, `server` and `options`.
Opened = Callable[..., AbstractContextManager[Call]]


class Provider:
    """One model, at one server or at several that all have it. Safe to share between threads.

    Args:
        url: A server's URL, or several with commas between them.
        model: Its name; None: the first chat model that is installed.
        profile: `auto` or a profile.
        calls_per_host: How many calls of one job a server is given at once.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        profile: str = "auto",
        calls_per_host: int = 1,
    ) -> None:
        self._url = url
        self._hosts = Hosts([OllamaClient(one) for one in url.split(",")])
        self._calls_per_host = calls_per_host
        self._named = model
        self._profile = profile
        self._lock = threading.Lock()
        self._model: Model | None = None
        self._known_until = 0.0

    @property
    def client(self) -> OllamaClient:
        """The first server's."""
        return self._hosts.first.client

    @property
    def public_urls(self) -> str:
        """Where the servers are, as it may be shown."""
        return ", ".join(client.public_url for client in self._hosts.clients)

    def apart(self) -> "list[Provider]":
        """The same model at each server alone, as listed."""
        try:
            named: str | None = self.model().name
        except GenerationError:
            named = self._named
        return [
            Provider(one, model=named, profile=self._profile, calls_per_host=self._calls_per_host)
            for one in self._url.split(",")
        ]

    @property
    def parallel(self) -> int:
        """How many calls one job makes at once."""
        return len(self._hosts) * self._calls_per_host

    def using(self, model: str) -> "Provider":
        """The same servers with another model; empty: this one.

        It is made anew for each job: what it looks up, it keeps for no other.
        """
        if model in {"", self._named}:
            return self
        return Provider(
            self._url, model=model, profile=self._profile, calls_per_host=self._calls_per_host
        )

    def model(self, cancellation: Cancellation | None = None) -> Model:
        """The model that is used; asks its server when that was long ago.

        Args:
            cancellation: Ends that at any moment.

        Raises:
            GenerationError: No model is named and none is found.
            GenerationCancelled: The stop was asked for.
        """
        stop = cancellation or Cancellation()
        with self._looking(stop):
            if self._model is None or time.monotonic() >= self._known_until:
                self._model, certain = self._look_up(stop)
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
        opened: Opened,
        temperature: float = 0.0,
        server: str = "",
    ) -> Reply:
        """One answer of the model, in the shape of a schema where the server can do that.

        The server that is least busy is asked, and another one where it fails.

        Args:
            messages: As `/api/chat` takes them.
            schema: What the answer has to look like.
            prompt_tokens: How long the messages are, estimated.
            answer_tokens: The most that the model may write.
            deadline: On the monotonic clock.
            cancellation: Ends the call at any moment.
            opened: Takes each request to a server on record.
            temperature: 0 for the likeliest answer.
            server: Host and port of the one to ask, and no other; empty: any.
        """
        model = self.model(cancellation)
        needed = model.bucket(prompt_tokens + answer_tokens)
        options = {"num_predict": answer_tokens, "temperature": temperature}
        body = {
            "model": model.name,
            "messages": messages,
            "truncate": False,
            "shift": False,
            "keep_alive": _KEEP_ALIVE,
        }
        tried = self._hosts.apart_from(server) if server else []
        while True:
            try:
                with self._hosts.taken(tried) as host:
                    tried.append(host)
                    host.window = max(host.window, needed)
                    return _chat(
                        host,
                        {**body, "options": {"num_ctx": host.window, **options}},
                        schema,
                        model=model,
                        deadline=deadline,
                        cancellation=cancellation,
                        opened=opened,
                    )
            except GenerationError as fault:
                none_left = len(tried) == len(self._hosts) or time.monotonic() >= deadline
                if none_left or not is_the_hosts(fault):
                    raise

    @contextlib.contextmanager
    def _looking(self, stop: Cancellation) -> Iterator[None]:
        """One job looks for all; those that wait for it can be stopped too."""
        while not self._lock.acquire(timeout=_TURN_S):
            if stop.requested:
                raise GenerationCancelled
        try:
            yield
        finally:
            self._lock.release()

    def _look_up(self, stop: Cancellation) -> tuple[Model, bool]:
        """The model, and whether a server has described it."""
        fault: GenerationError | None = None
        for host in self._hosts.in_turn():
            try:
                found = self._known_at(host.client, stop)
            except GenerationError as error:
                fault = fault or error
                continue
            if found:
                return found, True
        if self._named:
            # Whatever is wrong, the chat call will show it, or get by without.
            return described(self._named, {}, self._profile), False
        raise fault or GenerationError(
            JobErrorCode.OLLAMA_UNAVAILABLE,
            "no chat model is installed at the model's server",
            retryable=True,
        )

    def _known_at(self, client: OllamaClient, stop: Cancellation) -> Model | None:
        """The model as one server describes it; None when it has none that would do."""
        if self._named:
            details = client.show(self._named, deadline=_soon(), cancellation=stop)
            details |= _digest(client, self._named, stop)
            return described(self._named, details, self._profile)
        for name, listed in _installed(client, stop):
            details = dict(listed)
            with contextlib.suppress(GenerationError):
                details |= client.show(name, deadline=_soon(), cancellation=stop)
            if can_chat(name, details):
                return described(name, details, self._profile)
        return None


def _chat(
    host: Host,
    body: dict[str, Any],
    schema: dict[str, Any],
    *,
    model: Model,
    deadline: float,
    cancellation: Cancellation,
    opened: Opened,
) -> Reply:
    """The answer of one server, asked for less where it refuses to give more."""
    manner = host.manner
    while True:
        extras = manner.extras(schema, thinks=model.thinks)
        try:
            with opened(
                model=model.name, server=host.client.address, options=_told(body, extras)
            ) as call:
                reply = host.client.chat(
                    {**body, **extras},
                    deadline=deadline,
                    cancellation=cancellation,
                    heard=call.hear,
                )
                call.answered(reply)
        except RefusedError as refusal:
            lesser = manner.lesser(refusal, asked="think" in extras)
            if lesser is None:
                raise
            manner = lesser
        else:
            # What the server has refused, it need not be asked for the next job.
            host.manner = manner
            return reply


def _told(body: dict[str, Any], extras: dict[str, Any]) -> dict[str, Any]:
    """The options of a request, as they are recorded: a schema by its name only."""
    options: dict[str, Any] = body["options"]
    given = extras.get("format")
    return {**options, **extras, "format": "schema" if isinstance(given, dict) else given}


def lacks(client: OllamaClient, name: str) -> bool:
    """Whether a server lists its models, and one is not among them."""
    try:
        listed = client.tags(deadline=_soon()).get("models")
    except GenerationError:
        return False
    return isinstance(listed, list) and spellings(name).isdisjoint(dict(_named(listed)))


def _digest(client: OllamaClient, name: str, stop: Cancellation) -> dict[str, Any]:
    """The digest that the list of installed models gives for one; `show` does not tell it."""
    with contextlib.suppress(GenerationError):
        for listed, entry in _installed(client, stop):
            if listed in spellings(name) and "digest" in entry:
                return {"digest": entry["digest"]}
    return {}


def _installed(client: OllamaClient, stop: Cancellation) -> list[tuple[str, dict[str, Any]]]:
    return _named(client.tags(deadline=_soon(), cancellation=stop).get("models") or [])


def _named(listed: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a list of models by their names."""
    models = [entry for entry in listed if isinstance(entry, dict)]
    named = [(entry.get("model") or entry.get("name"), entry) for entry in models]
    return [(name, entry) for name, entry in named if isinstance(name, str) and name]


def _soon() -> float:
    return time.monotonic() + _LOOKUP_S
