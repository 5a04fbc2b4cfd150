"""The compact form that a freeform model answers in: as a schema, and in words.

Small on purpose: no ids, no patterns, no open objects, short texts. Tickets
and sentences are referred to by number.
"""

from dataclasses import dataclass
from typing import Any

from worker.generation.draft import KINDS, LEVELS, POINTS
from worker.generation.prompts import Prompt

FEWEST_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Depth:
    """What an output detail asks of one ticket."""

    sentences: str
    description: int
    criteria: tuple[int, int]
    tokens: int


DEPTHS = {
    "compact": Depth("one short sentence", 200, (1, 3), 160),
    "standard": Depth("two or three sentences", 500, (2, 5), 260),
    "detailed": Depth("three to six sentences", 900, (3, 8), 420),
}
# Tokens that an answer takes besides its tickets, and what longer tickets than expected may take.
_BESIDE = 200
_SPARE = 1.25
_SUMMARY = 400
_SOURCES = 16
_TICKETS_PER_EPIC = 6
_FEWEST_WITH_EPIC = 4
# So many tickets may be written even where hardly one is expected.
_FEW = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """One answer's shape.

    Attributes:
        schema: For `format`.
        epics: How many of the tickets are epics.
        least: The fewest tickets, epics apart.
        most: The most tickets, epics apart.
        depth: How much to say about each.
        tokens: What the whole answer takes, about.
        limit: What it may take at most.
    """

    schema: dict[str, Any]
    epics: int
    least: int
    most: int
    expected: int
    depth: Depth
    tokens: int
    limit: int

    def words(self, prompt: Prompt) -> str:
        """The same for the model to read, as the grammar is not shown to it."""
        least, most = self.depth.criteria
        return prompt.fill(
            "shape",
            epics=prompt.fill("epics", count=self.epics) + "\n" if self.epics else "",
            epic=prompt.fill("epic") if self.epics else "",
            count=self._count(),
            criteria=f"{least} to {most}",
            summary=prompt.fill("summary") + "\n" if "summary" in self.schema["properties"] else "",
        )

    def _count(self) -> str:
        if self.least == self.most:
            return f"exactly {self.most}"
        return f"as many as the spec needs, about {self.expected} and at most {self.most}"


def shape(
    *,
    count: int | None,
    most: int,
    expected: int,
    sentences: list[int],
    whole: bool,
    include_epics: bool,
    detail: str,
    ticket_tokens: int,
) -> Shape:
    """The shape of one answer with tickets.

    Args:
        count: Exactly so many tickets, epics included.
        most: Never more, epics included.
        expected: About how many the spec needs.
        sentences: The numbers that may be cited.
        whole: The answer is about the whole spec, which it sums up.
        include_epics: Whether some of the tickets may be epics.
        detail: The contract's `output_detail`.
        ticket_tokens: What each ticket takes, about.
    """
    depth = DEPTHS[detail]
    epics = _epics(expected) if include_epics else 0
    epics = epics if epics < (count or most) else 0
    least, top = (count - epics,) * 2 if count else _free(expected, most - epics)
    ticket = _ticket(depth, sentences, top, epics)
    properties: dict[str, Any] = {"summary": _string(_SUMMARY)} if whole else {}
    if epics:
        properties["epics"] = _array(_epic(depth), epics, epics)
    properties["tickets"] = _array(ticket, least, top)
    properties["risks"] = _array(_note("severity", top), 0, 5)
    properties["questions"] = _array(_note(None, top), 0, 5)
    tokens = _BESIDE + expected * ticket_tokens
    return Shape(
        schema=_object(properties),
        epics=epics,
        least=least,
        most=top,
        expected=expected,
        depth=depth,
        tokens=tokens,
        limit=max(2 * tokens, _BESIDE + round(_SPARE * top * ticket_tokens)),
    )


def _free(expected: int, most: int) -> tuple[int, int]:
    """The fewest and the most tickets, epics apart, where their number is free."""
    top = max(1, min(most, max(2 * expected, _FEW)))
    return min(max(1, expected // 2), top), top


def epics(depth: Depth, count: int) -> tuple[dict[str, Any], int]:
    """The schema of an answer with a summary and so many epics, and the tokens that it may take."""
    properties = {"summary": _string(_SUMMARY), "epics": _array(_epic(depth), count, count)}
    return _object(properties), _BESIDE + count * depth.tokens * 2 // 3


def rewritten(depth: Depth, sentences: list[int], count: int) -> tuple[dict[str, Any], int]:
    """The same for so many tickets that are written again."""
    ticket = {
        "title": _string(100),
        "description": _string(depth.description),
        "criteria": _array(_string(200), depth.criteria[0], depth.criteria[1]),
        "sources": _sources(sentences),
    }
    return _object({"tickets": _array(_object(ticket), count, count)}), 100 + count * depth.tokens


def _epics(tickets: int) -> int:
    return 0 if tickets < _FEWEST_WITH_EPIC else max(1, tickets // _TICKETS_PER_EPIC)


def _ticket(depth: Depth, sentences: list[int], top: int, epics: int) -> dict[str, Any]:
    ticket = {
        "title": _string(100),
        "type": _choice(*(kind for kind in KINDS if kind != "epic")),
        "description": _string(depth.description),
        "criteria": _array(_string(200), depth.criteria[0], depth.criteria[1]),
        "sources": _sources(sentences),
        "priority": _choice(*LEVELS),
        "points": {"type": "integer", "enum": list(POINTS)},
        "labels": _array(_string(24), 0, 3),
        "after": _array({"type": "integer", "minimum": 1, "maximum": top}, 0, 4),
    }
    if epics:
        ticket["epic"] = {"type": "integer", "minimum": 1, "maximum": epics}
    return _object(ticket)


def _sources(sentences: list[int]) -> dict[str, Any]:
    numbered = {"type": "integer", "minimum": min(sentences), "maximum": max(sentences)}
    return _array(numbered, 1, _SOURCES)


def _epic(depth: Depth) -> dict[str, Any]:
    return _object(
        {
            "title": _string(100),
            "description": _string(depth.description),
            "outcome": _string(200),
        }
    )


def _note(severity: str | None, top: int) -> dict[str, Any]:
    note: dict[str, Any] = {"text": _string(240)}
    if severity:
        note[severity] = _choice(*LEVELS)
    note["tickets"] = _array({"type": "integer", "minimum": 1, "maximum": top}, 0, 4)
    return _object(note)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(items: dict[str, Any], least: int, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def _string(most: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most}


def _choice(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}
