"""What the spec says about the order of the work, and which text speaks of which ticket.

Only what is said: a sentence that names another section's subject and a word
such as "after" or "requires", identifiers such as "phase 2" or [SHOP-7] behind one,
the numbers of a numbered list, or what `sequence` finds.
"""

import re
from collections import Counter
from collections.abc import Iterable

from worker.generation import identifiers, sequence
from worker.generation.lines import Form
from worker.generation.nouns import begins_with_verb
from worker.generation.pieces import Piece
from worker.generation.roles import Unit
from worker.generation.signals import is_about_order
from worker.generation.tables import CELL_END
from worker.generation.text import folded
from worker.generation.topics import GENERIC

# What is waited for stands in the group.
_CUES = (
    re.compile(
        r"\b(?:depends?(?: on)?|dependenc(?:y|ies)|blocked by|prerequisites?|predecessors?|"
        r"requires|based on|builds? on|relies on|uses the)\b:?((?:[^.;]|\.(?=\d)){2,80})",
        re.IGNORECASE,
    ),
    # "The index must be live before the search is opened."
    re.compile(
        r"^((?:[^.;]|\.(?=\d)){3,60}) (?:must|ha(?:s|ve) to|needs? to) be (?:live|done|ready|"
        r"finished|complete|in place|deployed|running|available|released|"
        r"approved)\b[^.;]{0,20} before\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:after|once|as soon as|until)\b([^,.;]{3,60}?)\b(?:is|are|has|have)\b", re.IGNORECASE
    ),
)
# Of these only what is called by an identifier is meant: "after phase 1".
_EARLIER = re.compile(
    r"\b(?:after|once|until|follows|(?:finish|complete)[a-z]* (?:of )?)\b([^.;]{2,60})",
    re.IGNORECASE,
)
# Of tickets, not of parts of the product: "a report blocks the hand-over of chapter 40".
_LATER = re.compile(r"\bblocks:? ((?:[A-Z][A-Z0-9]*-\d+(?:, | and |,)?)+)")
# Under these, and behind "is able to:", numbers only count.
_COUNTED = re.compile(
    r"\b(?:requirements?|features?|scope|stories|use cases|functionality|functions|capabilities|"
    r"goals?|musts?|should|could|must-haves?|rules|needs|wishes|deliverables|criteria)\b",
    re.IGNORECASE,
)
_ABLE = re.compile(r"\b(?:to|can|may|must|should|shall|features|functions|options)\s*:$")
_SHORT = 3
_MOST = 4
_SPOKEN = frozenset({Form.PROSE, Form.ITEM, Form.STEP})

Vocabulary = list[frozenset[str]]
Subjects = set[frozenset[str]]


def dependencies(pieces: list[Piece]) -> dict[int, list[int]]:
    """The places of the pieces that have to come first, by the place of the one that waits."""
    found: dict[int, list[int]] = {}
    subjects = [_subjects(piece) for piece in pieces]
    by_word = _by_rarest(subjects)
    called = _called(pieces)
    for place, piece in enumerate(pieces):
        if piece.facet:
            continue
        told = _told(pieces, place)
        awaited = _after(_CUES, told)
        named = [at for what in awaited for at in _named(what, by_word) if at != place]
        others = [other for other in named if not subjects[other] & subjects[place]]
        stated = _places([*awaited, *_after([_EARLIER], told)], called, place)
        first = [*_earlier_steps(pieces, place), *stated, *others]
        found.setdefault(place, []).extend(first)
        for other in _places(_after([_LATER], told), called, place):
            found.setdefault(other, []).append(place)
    for later, earlier in sequence.stated(pieces):
        found.setdefault(later, []).append(earlier)
    return {place: list(dict.fromkeys(others))[:_MOST] for place, others in found.items()}


def _told(pieces: list[Piece], place: int) -> list[str]:
    """The requirements of a piece, and what its sections say besides where it holds their first."""
    piece = pieces[place]
    before = set(pieces[place - 1].sections) if place else ()
    around = [section for section in piece.sections if section not in before]
    units = [unit.text for unit in piece.units]
    lines = [one.text for section in around for one in section.sentences if one.form in _SPOKEN]
    told = [*units, *(line for line in lines if is_about_order(line) or line.endswith(":"))]
    return [line for line in told if not sequence.tells(line)]


def _after(cues: Iterable[re.Pattern[str]], texts: list[str]) -> list[str]:
    return [what for text in texts for cue in cues for what in cue.findall(text)]


def _called(pieces: list[Piece]) -> dict[str, list[int]]:
    """The places of the pieces by the identifiers that the spec gives what they hold."""
    found: dict[str, list[int]] = {}
    for place, piece in enumerate(pieces):
        if piece.facet:
            continue
        keys = [section.key for section in piece.sections]
        own = [identifiers.own(unit.text) or _of_row(unit) for unit in piece.units]
        for key in dict.fromkeys([*keys, *own]):
            if key:
                found.setdefault(key, []).append(place)
    return found


def _of_row(unit: Unit) -> str:
    """The identifier in a row's first column: "Import tenants - ID: R1; …"."""
    first = unit.text.partition(CELL_END)[2].partition(";")[0].rpartition(": ")[2]
    return folded(first) if unit.sentence.form is Form.ROW and identifiers.is_one(first) else ""


def _places(texts: list[str], called: dict[str, list[int]], own: int) -> list[int]:
    """Where what some texts call by identifiers stands, but for a place itself."""
    names = [name for text in texts for name in identifiers.mentioned(text)]
    places = [at for name in names for at in called.get(name, ())]
    return [at for at in dict.fromkeys(places) if at != own]


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


def _by_rarest(subjects: list[Subjects]) -> dict[str, list[tuple[frozenset[str], int]]]:
    """The subjects with their places by a word of theirs: a text without it does not name them."""
    times = Counter(word for own in subjects for subject in own for word in subject)
    found: dict[str, list[tuple[frozenset[str], int]]] = {}
    for place, own in enumerate(subjects):
        for subject in own:
            rarest = min(subject, key=times.__getitem__)
            found.setdefault(rarest, []).append((subject, place))
    return found


def _named(text: str, by_word: dict[str, list[tuple[frozenset[str], int]]]) -> list[int]:
    """The places of the pieces whose section's subject a text names in full."""
    words = _long(text)
    possible = (known for word in words for known in by_word.get(word, ()))
    return sorted({place for subject, place in possible if subject <= words})[:5]


def _long(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in folded(text).split() if len(word) > _SHORT)


def _subjects(piece: Piece) -> Subjects:
    """The headings of a piece as sets of words; a facet has none, nor what names nothing."""
    return {
        subject
        for section in (() if piece.facet else piece.sections)
        if not GENERIC.fullmatch(section.heading)
        if (subject := _long(section.heading) - _long(section.key))
    }


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > _SHORT else word


def _before(unit: Unit) -> str:
    """What stands in a section before a unit's list; empty where nothing does."""
    told = [
        one.text
        for one in unit.section.sentences
        if one.number < unit.sentence.number and one.form is not Form.STEP
    ]
    return told[-1] if told else ""


def _earlier_steps(pieces: list[Piece], place: int) -> list[int]:
    """The piece that holds the step before this one's first, in the same numbered list."""
    first = pieces[place].units[0]
    # A numbered list of rules has no order; one of orders, such as "Set up the database", has.
    if first.sentence.form is not Form.STEP or not begins_with_verb(first.text):
        return []
    if _COUNTED.search(first.section.heading) or _ABLE.search(_before(first)):
        return []
    return [
        other
        for other in range(place)
        if not pieces[other].facet
        and pieces[other].units[-1].section is first.section
        and pieces[other].units[-1].sentence.form is Form.STEP
        and pieces[other].units[-1].sentence.number == first.sentence.number - 1
    ]
