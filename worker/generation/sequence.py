"""The order of the work that a spec tells of two things by any words of theirs.

As in "Show a balance (depends on the ledger)", "Build the log before the export" and
"Sign-in first, then the roles". What the product does one after the other is told otherwise:
only a note in parentheses, a sentence that begins with work, or a whole sentence counts.
"""

import re
from collections.abc import Iterator
from itertools import islice

from worker.generation import words
from worker.generation.pieces import Piece
from worker.generation.spec import Section
from worker.generation.text import folded

_WORK = r"(?:build|do|finish|ship|release|deliver|deploy|launch|migrate|roll out)"
_NOTE = re.compile(
    r"\((?:this )?(?:depends on|blocked by|waits for|builds on) ([^()]{2,60})\)", re.IGNORECASE
)
# With the group that has to be mentioned elsewhere: "deliver before noon" orders nothing.
_TOLD = (
    (re.compile(rf"{_WORK} (?P<first>[^,.;]{{2,60}}?) before (?P<then>[^,.;]{{2,60}})"), "then"),
    (
        re.compile(rf"{_WORK} (?P<then>[^,.;]{{2,60}}?) (?:only )?after (?P<first>[^,.;]{{2,60}})"),
        "first",
    ),
    (
        re.compile(
            rf"(?:{_WORK} )?(?P<first>[^,.;]{{2,40}}) first[,;] (?:and )?"
            r"then (?P<then>[^,.;]{2,40})"
        ),
        "",
    ),
)
# "Story 1 must be completed before story 2": said of any work, whatever it begins with.
_LABEL = r"(?:(?:dependenc(?:y|ies)|order|prerequisites?)\s*:\s*)?"
_READY = (
    r"(?:completed?|done|finished|ready|live|in place|deployed|released|delivered|implemented|"
    r"available)"
)
_BEFORE = re.compile(
    rf"{_LABEL}(?P<first>[^,.;:]{{2,60}}?) (?:must|ha(?:s|ve) to|needs? to|should) be {_READY} "
    r"before (?!.*\b(?:is|are|can|may|starts?|begins?|opens?|goes)\b)(?P<then>[^.;:]{2,80})"
)
_TELLS_NOTHING = words.SMALL | words.DETERMINERS
_AND = re.compile(r",? and |, | & ")
# Of a spec that says it more often every line would be compared with every other.
_MOST = 50

Mention = tuple[int, str, frozenset[str]]


def stated(pieces: list[Piece]) -> list[tuple[int, int]]:
    """Places of pieces as (the one that waits, the one that comes first)."""
    said = list(islice(_said(pieces), _MOST))
    mentions = list(_mentions(pieces)) if said else []
    found = []
    for own, text, then, first, named in said:
        later = _meant(then, mentions, besides=text) if then else own
        earlier = _meant(first, mentions, besides=text)
        known = {then: later, first: earlier}.get(named, own) is not None
        # What a sentence asks for itself is mentioned nowhere else.
        later, earlier = (own if place is None else place for place in (later, earlier))
        if known and later != earlier:
            found.append((later, earlier))
    return found


def _said(pieces: list[Piece]) -> Iterator[tuple[int, str, str, str, str]]:
    """Each statement with its piece and sentence.

    What waits, or "" for that itself; for what; which of them has to be mentioned elsewhere.
    """
    for place, piece in enumerate(pieces):
        for unit in () if piece.facet else piece.units:
            for awaited in _NOTE.findall(unit.text):
                yield place, unit.text, "", awaited, awaited
            for order, named in _TOLD:
                if told := order.match(unit.text.lower()):
                    then, first = told["then"], told["first"]
                    yield place, unit.text, then, first, told[named] if named else ""
    for section, place in _owners(pieces).items():
        for text in (sentence.text for sentence in section.sentences):
            if told := tells(text):
                for then in _AND.split(told["then"]):
                    yield place, text, then, told["first"], then if _words(then) else ""


def tells(text: str) -> re.Match[str] | None:
    """What has to be ready before what, by a sentence about any work."""
    return _BEFORE.match(text.lower()) if " before " in text else None


def _owners(pieces: list[Piece]) -> dict[Section, int]:
    """The place of the first piece of each section."""
    owners: dict[Section, int] = {}
    for place, piece in enumerate(pieces):
        for section in () if piece.facet else piece.sections:
            owners.setdefault(section, place)
    return owners


def _mentions(pieces: list[Piece]) -> Iterator[Mention]:
    """What is said where: the headings and requirements of each piece, in the spec's order."""
    headed = set()
    for place, piece in enumerate(pieces):
        for unit in () if piece.facet else piece.units:
            if unit.section not in headed:
                headed.add(unit.section)
                yield place, "", _words(f"{unit.section.key} {unit.section.heading}")
            yield place, unit.text, _words(unit.text)


def _meant(name: str, mentions: list[Mention], *, besides: str) -> int | None:
    """Where something is mentioned first, but for the sentence that speaks of its order."""
    meant = _words(name)
    places = (place for place, text, said in mentions if meant <= said and text != besides)
    return next(places, None) if meant else None


def _words(text: str) -> frozenset[str]:
    return frozenset(
        word.removesuffix("s") for word in folded(text).split() if word not in _TELLS_NOTHING
    )
