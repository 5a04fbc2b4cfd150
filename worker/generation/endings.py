"""Texts that a grammar has cut off at its limit, and sentences that a model says again."""

import re
from typing import Any

from worker.generation.journal import Journal
from worker.generation.text import clipped, folded

Json = dict[str, Any]

_WHOLE = re.compile(r".*[.!?…。！？](?=[\"'”’»)]*(?:\s|$)|(?<=[。！？]))", re.DOTALL)  # noqa: RUF001
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")  # noqa: RUF001
_FEW_WORDS = 3


def finished(answer: Any, schema: Json, journal: Journal) -> Any:
    """An answer whose cut-off texts end where their last whole sentence does.

    A title is no text: one that has been cut off is left out.

    Args:
        answer: As it was parsed.
        schema: What it was to fit; says how long each text may be.
        journal: Takes the repair.
    """
    ended = _Ended()
    told = ended.within(answer, schema)
    if ended.count:
        journal.repair("text cut off", done=f"{ended.count} ended at a sentence")
    return told


class _Ended:
    """One answer's walk beside its schema."""

    def __init__(self) -> None:
        self.count = 0

    def within(self, value: Any, schema: Json, name: str = "") -> Any:
        if isinstance(value, dict):
            known = schema.get("properties", {})
            return {key: self.within(one, known.get(key, {}), key) for key, one in value.items()}
        if isinstance(value, list):
            return [self.within(one, schema.get("items", {}), name) for one in value]
        if not isinstance(value, str) or len(value) < schema.get("maxLength", len(value) + 1):
            return value
        self.count += 1
        return "" if name == "title" else _ended(value)


def _ended(text: str) -> str:
    """The text up to its last whole sentence; with an ellipsis where there is none."""
    whole = _WHOLE.match(text)
    return whole.group() if whole else clipped(text + " …", len(text))


def once_each(text: str) -> str:
    """The text without the sentences that stand in it already, but for very short ones."""
    told: set[str] = set()
    lines = [_new(line, told) for line in text.split("\n")]
    return "\n".join(
        line for line, was in zip(lines, text.split("\n"), strict=True) if line or not was
    )


def _new(line: str, told: set[str]) -> str:
    kept: list[str] = []
    for sentence in _SENTENCE.split(line):
        said = folded(sentence)
        if said not in told or len(said.split()) <= _FEW_WORDS:
            kept.append(sentence)
        told.add(said)
    return line if len(kept) == len(_SENTENCE.split(line)) else " ".join(kept)
