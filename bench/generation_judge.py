"""What a set of tickets is worth, judged alike whoever wrote them, without a model."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from worker.generation.markup import plain
from worker.generation.text import folded

# Words by which a sentence asks for something, in the languages of the samples.
_ASKS = re.compile(
    r"\b(must|shall|should|will|can|cannot|may not|needs? to|has to|have to|is required|"
    r"muss|müssen|soll|sollen|kann|können|darf|dürfen|"
    r"doit|doivent|devra|devront|peut|peuvent|faut)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+")
_END = re.compile(r"(?<=[.!?])\s+(?=\S)")
_FENCE = re.compile(r"^\s*(```|~~~)")
_SHORTEST = 5
# Shorter words say little; beginnings stand for inflected forms.
_WORD, _STEM = 4, 6
# A requirement is found in a ticket that has this share of its words.
_FOUND = 0.6
# Two titles are the same that share this much of their words.
_TWIN = 0.8


def requirements(spec: str) -> list[str]:
    """The sentences and list items of a spec that ask for something; code is left out."""
    found: list[str] = []
    for text in _passages(spec):
        found += [
            sentence
            for sentence in _END.split(text)
            if _ASKS.search(sentence) and len(sentence.split()) >= _SHORTEST
        ]
    return list(dict.fromkeys(found))


def coverage(wanted: Sequence[str], result: dict[str, Any]) -> float:
    """The share of requirements that a ticket or an open question speaks of, from 0 to 1.

    It does for a requirement when it holds six in ten of its words of four
    letters or more, by their first six letters; words such as `must` do not count.
    """
    told = [_stems(_ticket_text(ticket)) for ticket in result["tickets"]]
    told += [_stems(question["question"]) for question in result["open_questions"]]
    found = sum(_is_told(_stems(requirement), told) for requirement in wanted)
    return found / len(wanted) if wanted else 1.0


def twins(titles: Iterable[str]) -> int:
    """How many titles say what an earlier one says."""
    seen: list[set[str]] = []
    count = 0
    for title in titles:
        words = set(folded(title).split())
        count += any(len(words & other) >= _TWIN * len(words | other) for other in seen)
        seen.append(words)
    return count


def _passages(spec: str) -> Iterable[str]:
    """Paragraphs and list items, each on one line."""
    passage: list[str] = []
    fenced = False
    for line in spec.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        apart = fenced or not line.strip() or _BULLET.match(line) or line.lstrip()[:1] in "#|`"
        if apart and passage:
            yield plain(" ".join(passage))
            passage = []
        if not fenced and not _FENCE.match(line) and line.lstrip()[:1] not in "#`":
            passage.append(_BULLET.sub("", line).replace("|", " ").strip())
    if passage:
        yield plain(" ".join(passage))


def _is_told(words: set[str], told: list[set[str]]) -> bool:
    return any(len(words & text) >= _FOUND * len(words) for text in told)


def _ticket_text(ticket: dict[str, Any]) -> str:
    return " ".join([ticket["title"], ticket["description"], *ticket["acceptance_criteria"]])


def _stems(text: str) -> set[str]:
    words = (word for word in folded(_ASKS.sub("", text)).split() if len(word) >= _WORD)
    return {word.rstrip("s")[:_STEM] for word in words}
