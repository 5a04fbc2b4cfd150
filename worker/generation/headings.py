"""Titles made of the headings of a spec, in English."""

import re
from collections.abc import Iterator

from worker.generation import words
from worker.generation.phrases import LONGEST, begins_with_verb, is_system, mid, trimmed
from worker.generation.signals import GENERIC
from worker.generation.text import capitalised, shorten

_MEET = re.compile(
    r"\b(?:performance|security|privacy|accessibility|compliance|availability|reliability|quality|"
    r"scalability|limits?|constraints?|usability|browsers?|legal|non-?functional)\b",
    re.IGNORECASE,
)
_PREPARED = re.compile(
    r"^(?:\w+ )?(?:rollout|launch|release|migration|deployment|go-live|milestones?)$", re.IGNORECASE
)
_SENT = re.compile(
    r"^(?:\w+ )?(?:notifications|e?-?mails|alerts|messages|reminders)$", re.IGNORECASE
)
_ENFORCED = re.compile(r"(?:rules?|polic(?:y|ies)|permissions?|roles)$", re.IGNORECASE)


def from_headings(headings: list[str], names: frozenset[str]) -> str:
    """A title made of headings; empty when they name no subject.

    Args:
        headings: As they stand in the spec.
        names: Words of the spec that are written with a capital within sentences.
    """
    telling = [name for name in headings if name and not GENERIC.fullmatch(name.strip())]
    if not telling:
        return ""
    if len(telling) > 1:
        return shorten(f"Implement {_lowered(together(telling), names)}", LONGEST)
    heading = telling[0]
    first, _, rest = heading.partition(" ")
    if begins_with_verb(heading):
        return trimmed(capitalised(_lowered(heading, names)))
    gerund = words.BY_GERUND.get(first.lower())
    if gerund and rest and _is_gerund(first, rest):
        return trimmed(f"{capitalised(gerund)} {_lowered(rest, names)}")
    return trimmed(_about(heading, _lowered(heading, names)))


def _is_gerund(first: str, rest: str) -> bool:
    """Whether a heading tells what is done: "finding the order", but not "shipping labels"."""
    return first.lower() not in words.ADJECTIVES or rest.split(maxsplit=1)[0] in words.DETERMINERS


def _about(heading: str, subject: str) -> str:
    """What is done with the subject of a heading."""
    if _MEET.search(heading):
        named = heading.lower().endswith(("requirements", "constraints", "limits"))
        return f"Meet the {subject}" if named else f"Meet the {subject} requirements"
    forms = (
        (_PREPARED.match, "Prepare the"),
        (_SENT.match, "Send"),
        (_ENFORCED.search, "Enforce the"),
    )
    for fits, verb in forms:
        if fits(heading):
            return f"{verb} {subject}"
    return f"Build the {subject}" if is_system(heading) else f"Implement {subject}"


def _lowered(heading: str, names: frozenset[str]) -> str:
    """A heading in the middle of a title: only names keep their capitals."""
    return " ".join(
        word if word in names or not word[1:].islower() else word.lower()
        for word in heading.split()
    )


def names_in(texts: Iterator[str]) -> frozenset[str]:
    """Words with a capital that do not begin their sentence."""
    found: set[str] = set()
    for text in texts:
        found.update(word.strip(".,;:()\"'") for word in text.split()[1:] if word[:1].isupper())
    return frozenset(found)


def together(headings: list[str]) -> str:
    """One title for what stands under several headings."""
    telling = [heading for heading in headings if not GENERIC.fullmatch(heading)] or headings
    if len(telling) == 1:
        return telling[0]
    joint = f"{telling[0]}, {mid(telling[1])}"
    return f"{joint} and more" if len(telling) > 2 else joint.replace(", ", " and ")  # noqa: PLR2004 - a pair
