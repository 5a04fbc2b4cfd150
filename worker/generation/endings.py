"""Texts that a grammar has cut off at its limit, and what a model says again and again."""

import re
from typing import Any

from worker.generation.journal import Journal
from worker.generation.text import folded

Json = dict[str, Any]

# All up to the last end of a sentence; quotation marks and brackets may stand behind it.
_WHOLE = re.compile(r".*[.!?…。！？](?=[\"'”’»)]*(?:\s|$)|(?<=[。！？]))", re.DOTALL)  # noqa: RUF001
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")  # noqa: RUF001
_FEW_WORDS = 3
_LONGEST = 10_000
# Words in a row that lead nowhere: few different ones, and some say the same in the same order.
_ROUND = 24
_FEWEST_ROUND = 16
_DIFFERENT = 0.5
_PHRASE = 4


def finished(answer: Any, schema: Json, journal: Journal) -> Any:
    """An answer whose cut-off texts end where their last whole sentence does.

    Where there is none, and of a title, nothing is left.

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
        whole = None if name == "title" else _WHOLE.match(value)
        return whole.group() if whole else ""


def goes_round(text: str) -> bool:
    """Whether a sentence comes back to the same words instead of ending, as small models' do."""
    return any(map(_loops, _SENTENCE.split(text[:_LONGEST])))


def _loops(sentence: str) -> bool:
    said = folded(sentence).split()
    size = min(_ROUND, len(said))
    windows = range(len(said) - size + 1) if size >= _FEWEST_ROUND else range(0)
    return any(_repeats(said[at : at + size]) for at in windows)


def _repeats(said: list[str]) -> bool:
    if len(set(said)) > _DIFFERENT * len(said):
        return False
    phrases = list(zip(*(said[at:] for at in range(_PHRASE)), strict=False))
    return len(set(phrases)) < len(phrases)


def once_each(text: str) -> str:
    """The text without the sentences that stand in it already, but for very short ones."""
    told: set[str] = set()
    lines = [(line, _new(line, told)) for line in text.split("\n")]
    return "\n".join(new for line, new in lines if new or not line)


def _new(line: str, told: set[str]) -> str:
    sentences, kept = _SENTENCE.split(line), list[str]()
    for sentence in sentences:
        said = folded(sentence)
        if said not in told or len(said.split()) <= _FEW_WORDS:
            kept.append(sentence)
        told.add(said)
    return line if len(kept) == len(sentences) else " ".join(kept)
