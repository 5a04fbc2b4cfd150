"""The calls that one attempt makes to the model, and what they have cost together."""

import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from tickets.errors import JobErrorCode
from worker.cancellation import Cancellation
from worker.generation.job import GenerationCancelled, GenerationError
from worker.generation.journal import Journal
from worker.generation.prompts import Prompt
from worker.generation.rate import Rate
from worker.generation.thoughts import Thoughts
from worker.ollama import RefusedError, Reply
from worker.provider import Model, Provider

Message = dict[str, str]
# A call for so many tokens and a purpose, the rest of it decided.
_Once = Callable[..., Reply]

# Before a call that has failed is made again, unless the server asks for longer.
_PAUSES_S = (1.0, 4.0)
_SPARE = 1.3
# What a window shrinks to when a prompt turned out not to fit into it.
_SMALLER = 0.5
_SMALLEST_WINDOW = 1024
# Thoughts that are a smaller share of an answer are not why it was cut off.
_TELLING = 0.25
# With so much of the window for thoughts that take so much of the answer, smaller parts won't help.
_MOSTLY = 0.75


class TooLongError(GenerationError):
    """The prompt does not fit into what the server really has, or was cut to fit."""

    def __init__(self) -> None:
        super().__init__(
            JobErrorCode.MODEL_OUTPUT_INVALID,
            "the model's context has no room for the instructions and a part of the spec",
            retryable=False,
        )


@dataclass(slots=True)
class Calls:
    """Asks one model, within one deadline, and adds up the usage. Safe to share between threads.

    Attributes:
        cancellation: The attempt's own: whoever asks for it ends all its calls.
        rate: How many tokens texts take.
        thoughts: What the model thinks before it answers.
        longest_s: The longest call so far.
    """

    provider: Provider
    deadline: float
    cancellation: Cancellation
    journal: Journal
    model: Model = field(init=False)
    rate: Rate = field(default_factory=Rate)
    thoughts: Thoughts = field(default_factory=Thoughts)
    replies: list[Reply] = field(default_factory=list)
    longest_s: float = 0.0
    _window: int = field(init=False)
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.model = self.provider.model(self.cancellation)
        self.journal.model = asdict(self.model)
        self._window = self.model.window

    def room(self, messages: list[Message]) -> int:
        """How many tokens of the window the messages leave to the answer; may be below 0."""
        return self._window - self.rate.estimate(_texts(messages))

    def ask(
        self,
        messages: list[Message],
        schema: dict[str, Any],
        answer_tokens: int,
        *,
        purpose: str,
        prompt: Prompt,
        temperature: float = 0.0,
    ) -> Reply:
        """One answer, on record with its purpose and prompt.

        Where the model's thoughts have taken the room of its answer, it is asked with more.

        Raises:
            TooLongError: The messages do not fit; `room` knows better from now on.
            GenerationError: As `Provider.ask`, or the thoughts take all that there is.
        """
        once = partial(self._once, schema=schema, prompt=prompt, temperature=temperature)
        limit = self._limit(messages, answer_tokens)
        while True:
            reply = self._persistently(messages, limit, purpose, once)
            thought, given = self.thoughts.observe(reply), limit
            if reply.finish_reason != "length" or thought < _TELLING or self.is_late:
                return reply
            limit = self._limit(messages, answer_tokens)
            if limit > given:
                self.journal.repair("thoughts too long", done=f"asked with room for {limit} tokens")
            elif thought >= _MOSTLY and given >= self._window * _MOSTLY:
                raise _endless_thoughts()
            else:
                return reply

    def _limit(self, messages: list[Message], answer_tokens: int) -> int:
        """The most that the model may write: the answer, and its thoughts if they fit too."""
        with_thoughts = min(answer_tokens + self.thoughts.room, self.room(messages))
        return max(answer_tokens, with_thoughts)

    def _persistently(
        self, messages: list[Message], limit: int, purpose: str, once: _Once
    ) -> Reply:
        """One answer.

        A server that fails is asked again after a pause once it has answered
        before: what it has answered would be lost with the attempt.
        """
        for pause in (*_PAUSES_S, None):
            began = time.monotonic()
            try:
                reply = once(messages, limit, purpose)
            except GenerationError as fault:
                if isinstance(fault, RefusedError) and fault.over_context:
                    self._shrink(self._window)
                    raise TooLongError from fault
                if pause is None or not self._may_pass(fault):
                    raise
                self._pause(pause, fault)
            else:
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                return self._read_whole(reply, messages, once)
        raise AssertionError("the last try ends the loop")

    @property
    def is_late(self) -> bool:
        """There is no time for another call as long as the longest so far."""
        return time.monotonic() + self.longest_s * _SPARE >= self.deadline

    def spent(self) -> int:
        """Completion tokens of answers so far, without thoughts, as far as they are known."""
        return sum(reply.completion_tokens or 0 for reply in self.replies) - self.thoughts.spent

    def _once(
        self,
        messages: list[Message],
        answer_tokens: int,
        purpose: str,
        *,
        schema: dict[str, Any],
        prompt: Prompt,
        temperature: float,
        server: str = "",
    ) -> Reply:
        if self.cancellation.requested:
            raise GenerationCancelled
        return self.provider.ask(
            messages,
            schema=schema,
            prompt_tokens=self.rate.estimate(_texts(messages)),
            answer_tokens=answer_tokens,
            deadline=self.deadline,
            cancellation=self.cancellation,
            opened=partial(self.journal.call, purpose=purpose, prompt=prompt.label),
            temperature=temperature,
            server=server,
        )

    def _read_whole(self, reply: Reply, messages: list[Message], once: _Once) -> Reply:
        """The reply, if the server has read all of the messages."""
        self.replies.append(reply)
        texts, counted = _texts(messages), reply.prompt_tokens
        if self.rate.may_be_cut(texts, counted, reply.server):
            counted = self._counted_anew(messages, once, reply.server)
            if self.rate.may_be_cut(texts, counted, reply.server):
                self.journal.repair("prompt cut by the server", done="asked in smaller parts")
                self._shrink(2 * (counted or 0))
                raise TooLongError
        self.rate.observe(texts, counted, reply.server)
        return reply

    def _counted_anew(self, messages: list[Message], once: _Once, server: str) -> int | None:
        """What the server counts when it has seen nothing of the messages before; None: unknown.

        One that remembers how a prompt begins may count the rest of it only, and that is as
        little as of a prompt that was cut.
        """
        first, *others = messages
        new = {**first, "content": f"{uuid4().hex}\n{first['content']}"}
        try:
            reply = once([new, *others], 1, "count what may have been cut", server=server)
        except GenerationError as fault:
            return 0 if isinstance(fault, RefusedError) and fault.over_context else None
        self.replies.insert(0, reply)  # the last one tells how the job's answer ended
        return reply.prompt_tokens

    def _shrink(self, known: int) -> None:
        """Counts on less from now on: half of what was found to be too much."""
        self._window = max(min(known, round(self._window * _SMALLER)), _SMALLEST_WINDOW)

    def _may_pass(self, fault: GenerationError) -> bool:
        away = fault.code is JobErrorCode.OLLAMA_UNAVAILABLE and fault.retryable
        return away and bool(self.replies)

    def _pause(self, pause: float, fault: GenerationError) -> None:
        """Waits as long as the server asks for, a little more than others; ends when cancelled."""
        asked = fault.retry_after.total_seconds() if fault.retry_after else 0.0
        wait = max(pause, asked) * random.uniform(1.0, 1.3)  # noqa: S311 - spreads callers
        if time.monotonic() + wait >= self.deadline:
            raise fault
        if self.cancellation.wait(wait):
            raise GenerationCancelled

    def metadata(self) -> dict[str, Any]:
        """The contract's `GenerationMetadata`: sums over all calls, None where one is unknown."""
        return {
            "model": self.model.name,
            "duration_ms": round((time.monotonic() - self._started) * 1000),
            "prompt_tokens": _sum(reply.prompt_tokens for reply in self.replies),
            "completion_tokens": _sum(reply.completion_tokens for reply in self.replies),
            "finish_reason": self.replies[-1].finish_reason if self.replies else None,
        }


def _endless_thoughts() -> GenerationError:
    return GenerationError(
        JobErrorCode.MODEL_OUTPUT_INVALID,
        "the model's thoughts leave no room to its answer",
        retryable=False,
    )


def _texts(messages: list[Message]) -> list[str]:
    return [message["content"] for message in messages]


def _sum(counts: Any) -> int | None:
    known = list(counts)
    return None if not known or None in known else sum(known)
