"""The identifiers that specs give their requirements, such as FR-12, [SHOP-7] or "Phase 2"."""

import re

from worker.generation.text import folded

_KNOWN = r"(?:N?FR|NF|REQ|US|UC|AC|BR|TR|SR|UR|SYS)[-_. ]?\d[\d.]{0,8}"
_ANY = r"[A-Z][A-Z0-9]{0,9}[-_.]?\d[\d.]{0,8}"
# In brackets any; else one of the usual ones, any with a dash before a colon, and what counts
# so as no product does: "F-01", "SEC-007".
MARK = (
    rf"(?:\[?{_KNOWN}\]?|[\[(/]{_ANY}[\])/]|[A-Z][A-Z0-9]{{1,9}}-\d{{1,6}}(?=[:.)])|"
    r"(?:[A-Z]-\d{2,4}|[A-Z]{2,9}-0\d{1,4})(?=[:.)]| [A-Z]))"
    r"(?:[:.)]|(?=\s))"
)
# In front of a line, without a colon: only where several lines have one is it no name.
_NUMBERED = re.compile(
    r"^(?:[ \t]{0,3}[-*+] )?([A-Z][A-Z0-9]{1,9})-(\d{1,5})(?= [A-Z])", re.MULTILINE
)
_FEWEST = 3
# Before a colon also a letter and its number: "F1: Search".
_SHORT = re.compile(r"[A-Z]\d{1,2}(?:\.\d{1,2})?(?=: \S)")
_FIRST = re.compile(rf"{MARK}\s+(?=\S)")
# Of a cell that is nothing else: "FR-12", "R3", "12".
_WHOLE = re.compile(rf"{_ANY}|[A-Z]{{0,6}}[-_.]?\d[\d.]*", re.ASCII)
# "Epic: Sign-up", "User story 4 - Sign-up".
_KIND = re.compile(
    r"(?:(?:user )?story|epic|feature|use case|requirement|task|ticket|issue|bug)(?: ?#?\d{1,3})?"
    r"\s*(?::|\s[\u2013\u2014-])\s+(?=\S)|"
    r"(?:Q[1-4](?: 20\d\d)?\s*[:\u2013\u2014-]|(?-i:TOP) ?\d{1,2}[:.]?)\s+(?=\S)|"
    r"(?:list|column|spalte|liste|lista):\s+(?=\S)|"
    r"(?:objective|goal|workstream|section|part|chapter|abschnitt|teil|sección|partie|parte) "
    r"(?:\d{1,2}|[A-Z]):\s+(?=\S)",
    re.IGNORECASE,
)
_EPIC = re.compile(r"epic(?: ?#?\d{1,3})?\s*(?::|\s[\u2013\u2014-])\s+\S", re.IGNORECASE)
# "Phase 2", "Story 4": a word and its number.
_COUNTED = re.compile(r"[^\W\d_]{3,12} \d{1,3}\b")
# "Section 3" is called 3 where it stands.
_PART = re.compile(r"^(?:section|chapter|article|clause|part) (?=\d)", re.IGNORECASE)
# Within a sentence: "SHOP-7", "2.1", "phase 2".
_MENTIONED = re.compile(
    rf"\b{_ANY}|\b\d{{1,2}}(?:\.\d{{1,2}})+|(?i:\b[^\W\d_]{{3,12}} \d{{1,3}}(?:\.\d{{1,2}})*\b)",
    re.ASCII,
)


def series(text: str) -> frozenset[str]:
    """What the identifiers begin with that a spec gives its lines, such as "BRTS" for BRTS-101."""
    numbers: dict[str, set[str]] = {}
    for prefix, number in _NUMBERED.findall(text):
        numbers.setdefault(prefix, set()).add(number)
    return frozenset(prefix for prefix, found in numbers.items() if len(found) >= _FEWEST)


def marked(text: str, known: frozenset[str]) -> str:
    """The text with a colon behind the identifier that it begins with, if it has none."""
    found = _NUMBERED.match(text)
    if not found or found[1] not in known or _FIRST.match(text):
        return text
    return f"{text[: found.end()]}:{text[found.end() :]}"


def without(text: str) -> str:
    """The text without the identifier that it begins with."""
    found = _FIRST.match(text)
    return text[found.end() :] if found else text


def bare(heading: str) -> str:
    """What a heading names, without identifier and kind of ticket: "Epic: Sign-up" as "Sign-up"."""
    short = _SHORT.match(heading)
    named = heading[short.end() + 1 :].lstrip() if short else without(heading)
    return _KIND.sub("", named) or heading


def is_epic(heading: str) -> bool:
    """Whether a heading calls what it names an epic, as in "Epic 2: Sign-up"."""
    return bool(_EPIC.match(without(heading)))


def is_one(text: str) -> bool:
    """Whether a text is an identifier or a number, and nothing else."""
    return bool(_WHOLE.fullmatch(text))


def own(text: str) -> str:
    """The identifier that a text begins with, in small letters; empty without one."""
    found = _FIRST.match(text)
    told = found or _SHORT.match(text) or _COUNTED.match(text)
    return folded(told[0]) if told else ""


def mentioned(text: str) -> list[str]:
    """What could be identifiers in a text, in small letters."""
    return [folded(_PART.sub("", name)) for name in _MENTIONED.findall(text)]
