"""What the spec says about the order of the work, and which text speaks of which ticket.

Only what is said: a sentence that names another section's subject and a word
such as "after" or "requires", or the numbers of a numbered list.
"""

import re

from worker.generation.lines import Form
from worker.generation.phrases import begins_with_verb
from worker.generation.plan import Piece
from worker.generation.text import folded
from worker.generation.topics import GENERIC

# What is waited for stands in the group.
_CUES = (
    re.compile(
        r"\b(?:depends? on|requires|based on|builds? on|relies on|uses the)\b([^.;]{3,80})",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:after|once|as soon as|until)\b([^,.;]{3,60}?)\b(?:is|are|has|have)\b", re.IGNORECASE
    ),
)
_SHORT = 3

Vocabulary = list[frozenset[str]]
Subjects = set[frozenset[str]]


def dependencies(pieces: list[Piece]) -> dict[int, list[int]]:
    """The places of the pieces that have to come first, by the place of the one that waits."""
    found: dict[int, list[int]] = {}
    subjects = [_subjects(piece) for piece in pieces]
    for place, piece in enumerate(pieces):
        if piece.facet:
            continue
        awaited = " ".join(
            what for unit in piece.units for cue in _CUES for what in cue.findall(unit.text)
        )
        named = [other for other in _named(awaited, subjects) if other != place]
        others = [other for other in named if not subjects[other] & subjects[place]]
        found[place] = list(dict.fromkeys([*_earlier_steps(pieces, place), *others]))[:3]
    return found


def vocabulary(pieces: list[Piece]) -> Vocabulary:
    """The longer words of each piece, for `about`; a facet has none of its own."""
    return [
        frozenset() if piece.facet else _long(" ".join(unit.text for unit in piece.units))
        for piece in pieces
    ]


def about(text: str, known: Vocabulary) -> list[int]:
    """The places of the pieces that share most of a text's longer words; two at least."""
    words = _long(text)
    shared = [len(words & own) for own in known]
    most = max(shared)
    return [place for place, size in enumerate(shared) if size == most > 1][:3]


def _named(text: str, subjects: list[Subjects]) -> list[int]:
    """The places of the pieces whose section's subject a text names in full."""
    words = _long(text)
    if not words:
        return []
    return [
        place for place, own in enumerate(subjects) if any(subject <= words for subject in own)
    ][:5]


def _long(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in folded(text).split() if len(word) > _SHORT)


def _subjects(piece: Piece) -> Subjects:
    """The headings of a piece as sets of words; a facet has none, nor what names nothing."""
    return {
        subject
        for section in (() if piece.facet else piece.sections)
        if not GENERIC.fullmatch(section.heading)
        if (subject := _long(section.heading))
    }


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > _SHORT else word


def _earlier_steps(pieces: list[Piece], place: int) -> list[int]:
    """The piece that holds the step before this one's first, in the same numbered list."""
    first = pieces[place].units[0]
    # A numbered list of rules has no order; one of orders, such as "Set up the database", has.
    if first.sentence.form is not Form.STEP or not begins_with_verb(first.text):
        return []
    return [
        other
        for other in range(place)
        if not pieces[other].facet
        and pieces[other].units[-1].section is first.section
        and pieces[other].units[-1].sentence.form is Form.STEP
        and pieces[other].units[-1].sentence.number == first.sentence.number - 1
    ]
