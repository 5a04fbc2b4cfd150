"""What one attempt at a job does, kept for operators: each call to the model, each repair.

It is written while the attempt runs, from any of its threads, so that it is
whole however the attempt ends. Nothing here is shown to a client.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from worker.generation.job import GenerationCancelled, GenerationError

# What is kept of one answer. A whole one is longer only when the model loops.
_LONGEST_TEXT = 64_000
_LONGEST_DETAIL = 1_000


class Answered(Protocol):
    """What a call gives when it succeeds; a count that is not known is None."""

    @property
    def finish_reason(self) -> str | None: ...
    @property
    def prompt_tokens(self) -> int | None: ...
    @property
    def completion_tokens(self) -> int | None: ...


@dataclass(slots=True)
class Call:
    """One request to the model, and what came of it.

    Attributes:
        purpose: What it was for, in a few words, such as `tickets for sentences 1 to 40`.
        prompt: The prompt file and its version, such as `freeform 2`.
        model: The model's name.
        server: Host and port of the model's server.
        options: What it was told besides the messages.
        started_ms: Since the attempt began.
        duration_ms: Until the answer's end, or the fault.
        prompt_tokens: As the server counts them; None when it does not say.
        completion_tokens: Likewise.
        finish_reason: Such as `stop` or `length`; None when there is none.
        error: What went wrong; empty when nothing did.
        length: How many characters the answer has.
    """

    purpose: str
    prompt: str
    model: str
    server: str
    options: dict[str, Any]
    started_ms: int
    duration_ms: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    error: str = ""
    length: int = 0
    _heard: list[str] = field(default_factory=list)

    def hear(self, piece: str) -> None:
        """Takes a piece of the answer as it comes, so that a broken one is kept too."""
        if self.length < _LONGEST_TEXT:
            self._heard.append(piece)
        self.length += len(piece)

    def answered(self, reply: Answered) -> None:
        """Notes how a whole answer ended."""
        self.finish_reason = reply.finish_reason
        self.prompt_tokens = reply.prompt_tokens
        self.completion_tokens = reply.completion_tokens

    @property
    def text(self) -> str:
        """The answer as the model wrote it, from its beginning; `length` says what is missing."""
        return "".join(self._heard)[:_LONGEST_TEXT]


@dataclass(frozen=True, slots=True)
class Repair:
    """A rule that the model's tickets broke, and what was done about it.

    Attributes:
        rule: Which, such as `title repeated`.
        ticket: The ticket's title; empty when it is about no single one.
        done: What was done, such as `numbered it`; empty when it was let pass.
    """

    rule: str
    ticket: str
    done: str


@dataclass(slots=True)
class Journal:
    """One attempt, as far as it has come. Safe to share between threads.

    Attributes:
        model: What is known of the model: name, digest and the like.
        calls: In the order in which they began.
        repairs: In the order in which they were made.
    """

    model: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def call(
        self, *, purpose: str, prompt: str, model: str, server: str, options: dict[str, Any]
    ) -> Iterator[Call]:
        """Records a call that is made within the block, with its time and its fault.

        Args:
            purpose: What it is for, in a few words.
            prompt: The prompt file and its version.
            model: The model's name.
            server: Host and port of the model's server.
            options: What it is told besides the messages.
        """
        call = Call(purpose, prompt, model, server, options, started_ms=self.elapsed_ms())
        with self._lock:
            self.calls.append(call)
        try:
            yield call
        except GenerationCancelled:
            call.error = "cancelled"
            raise
        except GenerationError as error:
            detail = getattr(error, "detail", "")
            call.error = f"{error.code}: {error.message}"
            call.error += f": {detail}"[:_LONGEST_DETAIL] if detail else ""
            raise
        finally:
            call.duration_ms = self.elapsed_ms() - call.started_ms

    def repair(self, rule: str, *, ticket: str = "", done: str = "") -> None:
        """Records a rule that was broken.

        Args:
            rule: Which, in a few words that are the same each time.
            ticket: The ticket's title, where it is about one.
            done: What was done; empty for a finding of taste that passes as it is.
        """
        with self._lock:
            self.repairs.append(Repair(rule, ticket, done))

    def elapsed_ms(self) -> int:
        """Since the attempt began."""
        return round((time.monotonic() - self._began) * 1000)
