"""The calls that one attempt makes to the model, and what they have cost together."""

import time
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from worker.cancellation import Cancellation
from worker.generation.job import GenerationCancelled
from worker.generation.journal import Journal
from worker.generation.prompts import Prompt
from worker.generation.text import tokens
from worker.ollama import Reply
from worker.provider import Model, Provider

Message = dict[str, str]


def estimate(messages: list[Message]) -> int:
    """About how many tokens messages take, with what the chat's template adds."""
    return sum(tokens(message["content"]) + 8 for message in messages)


@dataclass(slots=True)
class Calls:
    """Asks one model, within one deadline, and adds up the usage."""

    provider: Provider
    deadline: float
    cancellation: Cancellation
    journal: Journal
    model: Model = field(init=False)
    replies: list[Reply] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.model = self.provider.model()
        self.journal.model = asdict(self.model)

    def ask(
        self,
        messages: list[Message],
        schema: dict[str, Any],
        answer_tokens: int,
        *,
        purpose: str,
        prompt: Prompt,
    ) -> Reply:
        """One answer, on record with its purpose and prompt; raises like `Provider.ask`."""
        if self.cancellation.requested:
            raise GenerationCancelled
        reply = self.provider.ask(
            messages,
            schema=schema,
            prompt_tokens=estimate(messages),
            answer_tokens=answer_tokens,
            deadline=self.deadline,
            cancellation=self.cancellation,
            opened=partial(self.journal.call, purpose=purpose, prompt=prompt.label),
        )
        self.replies.append(reply)
        return reply

    def metadata(self) -> dict[str, Any]:
        """The contract's `GenerationMetadata`: sums over all calls, None where one is unknown."""
        return {
            "model": self.model.name,
            "duration_ms": round((time.monotonic() - self._started) * 1000),
            "prompt_tokens": _sum(reply.prompt_tokens for reply in self.replies),
            "completion_tokens": _sum(reply.completion_tokens for reply in self.replies),
            "finish_reason": self.replies[-1].finish_reason if self.replies else None,
        }


def _sum(counts: Any) -> int | None:
    known = list(counts)
    return None if not known or None in known else sum(known)
