"""One call of the model through a provider, as generation makes it."""

import time
from functools import partial

from worker.cancellation import Cancellation
from worker.generation.journal import Journal
from worker.ollama import Reply
from worker.provider import Provider

SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string", "minLength": 1, "maxLength": 40}},
    "required": ["title"],
}


def prompt(marker: str = "") -> list[dict[str, str]]:
    """What is asked, with a word to the scripted peer."""
    return [{"role": "user", "content": f"The page shows free rooms. {marker}"}]


def ask(found: Provider, marker: str = "") -> Reply:
    """The answer of one of the provider's servers."""
    return found.ask(
        prompt(marker),
        schema=SCHEMA,
        prompt_tokens=100,
        answer_tokens=200,
        deadline=time.monotonic() + 30,
        cancellation=Cancellation(),
        opened=partial(Journal().call, purpose="", prompt=""),
    )
