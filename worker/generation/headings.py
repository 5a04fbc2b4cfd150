"""Titles made of the headings of a spec, in English."""

import re
from collections.abc import Iterator

from worker.generation import words
from worker.generation.cutting import ROOM, trimmed
from worker.generation.nouns import CALL, begins_with_verb, is_system, mid, states
from worker.generation.phrasebook import Phrasebook, english
from worker.generation.text import capitalised, clipped
from worker.generation.topics import ACCEPTANCE, GENERIC

# Of qualities: "Performance" as "Meet the performance requirements".
_MEET = re.compile(
    r"\b(?:performance|security|privacy|accessibility|compliance|availability|reliability|quality|"
    r"scalability|limits?|constraints?|usability|browsers?|legal|non-?functional|"
    r"technical(?= requirements|$))\b",
    re.IGNORECASE,
)
# "Pilot rollout" as "Prepare the pilot rollout".
_PREPARED = re.compile(
    r"^(?:\w+ )?(?:rollout|launch|release|migration|deployment|go-live|milestones?)$", re.IGNORECASE
)
# "Email reminders" as "Send email reminders".
_SENT = re.compile(
    r"^(?:\w+ )?(?:notifications|e?-?mails|alerts|messages|reminders)$", re.IGNORECASE
)
# "Phase 2", also with what it is about behind it.
_CARRIED_OUT = re.compile(
    r"(?:phase|stage|step|milestone|sprint|release|iteration|wave|increment)\s+"
    r"(?:\d{1,2}[a-z]?|[ivx]{1,4}|[a-z])\b",
    re.IGNORECASE,
)
# Words alone: "Read, list and export".
_IN_A_ROW = re.compile(r"\w+(?:(?:,? and|,) \w+)*", re.IGNORECASE)
_ASKING = frozenset({"what", "why", "how", "who", "when", "where", "which"})
# Of several headings, a title names so many.
_NAMED = 2
# "Refund policy" as "Enforce the refund policy".
_ENFORCED = re.compile(r"(?:rules?|polic(?:y|ies)|permissions?|roles)$", re.IGNORECASE)


def from_headings(headings: list[str], names: frozenset[str]) -> str:
    """A title made of headings; empty when they name no subject.

    Args:
        headings: As they stand in the spec.
        names: Words of the spec that are written with a capital within sentences.
    """
    named = [
        name
        for name in headings
        if name and not GENERIC.fullmatch(name.strip()) and not ACCEPTANCE.fullmatch(name)
    ]
    if not named:
        accepts = any(ACCEPTANCE.fullmatch(name) for name in headings)
        return "Meet the acceptance criteria" if accepts else ""
    if all(map(_CARRIED_OUT.match, named)):
        return clipped(f"Carry out {mid(together(named, english()))}", ROOM)
    if len(named) > 1:
        return clipped(f"Implement {_lowered(together(named, english()), names)}", ROOM)
    return trimmed(_from_one(named[0], names))


def _from_one(heading: str, names: frozenset[str]) -> str:
    first, _, rest = heading.partition(" ")
    if heading.endswith("?"):
        return f"Cover “{heading}”"
    if first.lower() in _ASKING:
        return f"Cover {mid(heading)}"
    if states(heading):
        return f"Ensure that {mid(heading)}"
    if begins_with_verb(heading):
        return capitalised(_lowered(heading, names))
    gerund = words.BY_GERUND.get(first.lower())
    if gerund and rest and _is_gerund(first, rest):
        return f"{capitalised(gerund)} {_lowered(rest, names)}"
    return _about(heading, _lowered(heading, names))


def leans(heading: str) -> bool:
    """Whether a heading only says more about the one above it, such as "edited by marketing"."""
    first, second, *_ = (*heading.lower().split(), "", "")
    if first in _ASKING:
        return False
    told = first.endswith("ed") and first not in words.VERBS
    return bool(second) and (
        first in words.PHRASE_STARTS or (told and second in words.PHRASE_STARTS)
    )


def bare_verbs(heading: str, path: tuple[str, ...], names: frozenset[str]) -> str:
    """A title for a heading of verbs alone, such as "Read and list" under "Shipments"."""
    said = [word for word in heading.lower().replace(",", "").split() if word != "and"]
    if (
        not _IN_A_ROW.fullmatch(heading)
        or not path
        or GENERIC.fullmatch(path[-1])
        or not all(word in words.VERBS for word in said)
    ):
        return ""
    # "Import" and "Search" are subjects of their own where what stands above is a document.
    if len(path) < 2 and any(word in words.NOUNS_TOO for word in said):  # noqa: PLR2004 - title, chapter
        return ""
    return trimmed(f"{capitalised(heading.lower())} {_lowered(path[-1], names)}")


def _is_gerund(first: str, rest: str) -> bool:
    """Whether a heading tells what is done: "finding the order", but not "shipping labels"."""
    return first.lower() not in words.ADJECTIVES or rest.split(maxsplit=1)[0] in words.DETERMINERS


def _about(heading: str, subject: str) -> str:
    """What is done with the subject of a heading."""
    if CALL.match(heading):
        return f"Implement {heading}"
    if _MEET.search(heading):
        named = heading.lower().endswith(
            ("requirements", "constraints", "limits", "considerations")
        )
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
        word.lower() if word not in names and all(map(_is_plain, word.split("-"))) else word
        for word in heading.split()
    )


def _is_plain(word: str) -> bool:
    """Whether a word has no capital but perhaps its first."""
    return len(word) > 1 and word[1:].islower()


def names_in(texts: Iterator[str]) -> frozenset[str]:
    """Words with a capital that do not begin their sentence, and never stand without it."""
    found: set[str] = set()
    small: set[str] = set()
    for text in texts:
        for place, word in enumerate(text.split()):
            bare = word.strip(".,;:()\"'“”")
            if bare[:1].islower():
                small.add(bare)
            elif place and bare[:1].isupper():
                found.add(bare)
    return frozenset(name for name in found if name.lower() not in small)


def telling(headings: list[str]) -> list[str]:
    """Those of some headings that name a subject; all where none does."""
    return [heading for heading in headings if not GENERIC.fullmatch(heading)] or headings


def together(headings: list[str], book: Phrasebook) -> str:
    """One title for what stands under several headings."""
    if len(headings) == 1:
        return headings[0]
    first, second = headings[0], headings[1] if book.capitals else mid(headings[1])
    return (book.several if len(headings) > _NAMED else book.pair)(first, second)
