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
_FIRST = re.compile(rf"{MARK}\s+(?=\S)")
_WHOLE = re.compile(rf"{_ANY}|[A-Z]{{0,6}}[-_.]?\d[\d.]*", re.ASCII)
_KIND = re.compile(
    r"(?:(?:user )?story|epic|feature|use case|requirement|task|ticket|issue|bug)(?: ?#?\d{1,3})?"
    r"\s*(?::|\s[\u2013\u2014-])\s+(?=\S)|"
    r"(?:section|part|chapter|abschnitt|teil|sección|partie|parte) (?:\d{1,2}|[A-Z]):\s+(?=\S)",
    re.IGNORECASE,
)
# "Phase 2", "Story 4": a word and its number.
_COUNTED = re.compile(r"[^\W\d_]{3,12} \d{1,3}\b")
# "Section 3" is called 3 where it stands.
_PART = re.compile(r"^(?:section|chapter|article|clause|part) (?=\d)", re.IGNORECASE)
_MENTIONED = re.compile(
    rf"\b{_ANY}|\b\d{{1,2}}(?:\.\d{{1,2}})+|(?i:\b[^\W\d_]{{3,12}} \d{{1,3}}(?:\.\d{{1,2}})*\b)",
    re.ASCII,
)


def without(text: str) -> str:
    """The text without the identifier that it begins with."""
    found = _FIRST.match(text)
    return text[found.end() :] if found else text


def bare(heading: str) -> str:
    """What a heading names, without identifier and kind of ticket: "Epic: Sign-up" as "Sign-up"."""
    return _KIND.sub("", without(heading)) or heading


def is_one(text: str) -> bool:
    """Whether a text is an identifier or a number, and nothing else."""
    return bool(_WHOLE.fullmatch(text))


def own(text: str) -> str:
    """The identifier that a text begins with, in small letters; empty without one."""
    found = _FIRST.match(text)
    told = found or _COUNTED.match(text)
    return folded(told[0]) if told else ""


def mentioned(text: str) -> list[str]:
    """What could be identifiers in a text, in small letters."""
    return [folded(_PART.sub("", name)) for name in _MENTIONED.findall(text)]
