"""Which part of the spec goes into which ticket, decided before any ticket is written.

Every requirement has its place in exactly one piece; pieces are merged or
split until there are as many as asked for. Only when there are more pieces
than sentences do several share one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

from worker.generation import signals
from worker.generation.lines import Form
from worker.generation.roles import Role, Unit, as_requirement, sort
from worker.generation.spec import Section, Sentence, Spec
from worker.generation.topics import ACCEPTANCE, GENERIC, is_finding


@dataclass(slots=True)
class Piece:
    """What one ticket is made of.

    Attributes:
        units: Requirements, in the spec's order; never empty.
        whole: It holds all requirements of each of its sections.
        facet: Which further work on another piece this is; 0: the work itself.
        base: Place of the piece that a facet is about.
    """

    units: list[Unit]
    whole: bool = True
    facet: int = 0
    base: int | None = None

    @property
    def sections(self) -> list[Section]:
        return list(dict.fromkeys(unit.section for unit in self.units))

    @property
    def told(self) -> list[str]:
        """Its requirements, and all that its sections say where it holds them as a whole."""
        if not self.whole:
            return [unit.text for unit in self.units]
        return [sentence.text for section in self.sections for sentence in section.sentences]


@dataclass(slots=True)
class Plan:
    """The pieces, and where the epics' shares begin and end.

    Attributes:
        pieces: In the spec's order, facets behind their base.
        epics: Places of the pieces of each epic; empty: no epics.
    """

    units: list[Unit]
    pieces: list[Piece]
    epics: list[range] = field(default_factory=list)


# Criteria of one ticket, when the number of tickets is free.
_COMFORTABLE = 5
_COMFORTABLE_ALONE = 2
# Longer lists have items that belong together.
_LONG_LIST = 15
_FEWEST_UNDER_EPIC = 3
_FEWEST_WITH_EPIC = 4
_TICKETS_PER_EPIC = 5
# An epic is to hold more than one ticket.
_ALONE = 1.5
_FEWEST_WITH_EPICS = 10
# Twice what a job may ask for; the time to cut or join more of them grows as their square.
_MANY = 100


def needed(sentences: list[Sentence], *, most: int) -> int:
    """About how many tickets so many sentences need."""
    return min(max(1, ceil(len(sentences) / _COMFORTABLE)), most)


def plan(spec: Spec, *, count: int | None, most: int, include_epics: bool) -> Plan:
    """The plan for a spec.

    Args:
        spec: At least one sentence.
        count: Exactly so many tickets, epics included.
        most: Never more, epics included.
        include_epics: Whether some of them may be epics.
    """
    units = sort(spec)
    pieces = [part for piece in by_section(units) for part in _unlike(piece)]
    if count is None:
        alone = len({piece.units[0].section for piece in pieces}) == 1
        pieces = [part for piece in pieces for part in _parts(piece, alone=alone)]
    wanted = count or min(len(pieces) + 1, most)
    enough = sum(len(piece.units) for piece in pieces) >= _FEWEST_UNDER_EPIC
    epics = epic_count(wanted, pieces) if include_epics and enough else 0
    if not epics:  # no ticket to hold the goals as a whole
        goals = [as_requirement(unit) for unit in units if unit.role is Role.GOAL]
        pieces += by_section(goals)
    leaves = count - epics if count else min(len(pieces), most - epics)
    pieces = arranged(pieces, leaves)
    return Plan(units, pieces, shares(pieces, epics))


def arranged(pieces: list[Piece], leaves: int) -> list[Piece]:
    """The pieces merged, split or added to until there are so many."""
    if len(pieces) > leaves:
        pieces = _rejoined(pieces, leaves)
    _merge(pieces, leaves)
    _split(pieces, leaves)
    _know_whole(pieces)
    return _with_facets(pieces, leaves)


def _know_whole(pieces: list[Piece]) -> None:
    """Notes which pieces hold all requirements of each of their sections."""
    sizes = Counter(unit.section for piece in pieces for unit in piece.units)
    for piece in pieces:
        own = Counter(unit.section for unit in piece.units)
        piece.whole = all(sizes[section] == size for section, size in own.items())


def by_section(units: list[Unit]) -> list[Piece]:
    """The requirements among some sentences, a piece per section with its acceptance criteria."""
    pieces: dict[Section, Piece] = {}
    named: dict[tuple[str, ...], Piece] = {}
    for unit in units:
        if unit.role is Role.REQUIREMENT:
            section = unit.section
            if section not in pieces:
                pieces[section] = _above(section, named) or Piece([])
                named[*section.path, section.heading] = pieces[section]
            pieces[section].units.append(unit)
    return list({id(piece): piece for piece in pieces.values()}.values())


def _above(section: Section, named: dict[tuple[str, ...], Piece]) -> Piece | None:
    """What a section of acceptance criteria is about, unless that is the whole document."""
    accepts = ACCEPTANCE.fullmatch(section.heading) and len(section.path) > 1
    return named.get(section.path) if accepts else None


def _unlike(piece: Piece) -> list[Piece]:
    """What is broken is work of its own, and so is a list under a heading that names nothing."""
    told = any(signals.is_story(unit.text) for unit in piece.units)
    # What is listed below a story is its criteria.
    generic = _names_nothing(piece.units[0].section) and not told
    groups: dict[tuple[bool, bool], list[Unit]] = {}
    for unit in piece.units:
        listed = generic and unit.sentence.form not in {Form.PROSE, Form.CODE}
        groups.setdefault((unit.is_fault, listed), []).append(unit)
    return [Piece(own) for own in groups.values()]


def _parts(piece: Piece, *, alone: bool) -> list[Piece]:
    """A piece as tickets of a comfortable size, when their number is free."""
    units = piece.units
    stories = [place for place, unit in enumerate(units) if signals.is_story(unit.text)]
    if len(stories) > 1:
        cuts = [0, *stories[1:], len(units)]
        return [Piece(units[a:b]) for a, b in pairwise(cuts)]
    listed = all(unit.sentence.form is not Form.PROSE for unit in units[1:])
    if stories == [0] and listed and len(units) <= _COMFORTABLE:
        return [piece]
    if alone and len(paragraphs := _paragraphs(piece)) > 1:
        return [part for own in paragraphs for part in _parts(own, alone=False)]
    parts = [piece]
    _split(parts, min(_size(piece, alone=alone), _MANY))
    return parts


def _paragraphs(piece: Piece) -> list[Piece]:
    """A text without headings by its paragraphs, where those say more than a sentence each."""
    blocks: dict[int, list[Unit]] = {}
    for unit in piece.units:
        blocks.setdefault(unit.sentence.block, []).append(unit)
    wordy = len(piece.units) >= _COMFORTABLE_ALONE * len(blocks)
    return [Piece(own) for own in blocks.values()] if wordy else [piece]


def _names_nothing(section: Section) -> bool:
    """Whether what is listed under a heading has only the list in common."""
    heading = section.heading
    generic = not heading or GENERIC.fullmatch(heading) is not None
    return generic and not ACCEPTANCE.fullmatch(heading)


def _size(piece: Piece, *, alone: bool) -> int:
    """A ticket per item in a list of separate things, else one for a few sentences."""
    units = piece.units
    listed = all(unit.sentence.form is not Form.PROSE for unit in units)
    separate = alone or (_names_nothing(units[0].section) and len(units) > 1)
    faults = all(unit.is_fault for unit in units)
    finding = is_finding(units[0].section.heading, units[0].section.path)  # one fault in all
    if (faults and not finding) or (separate and listed and len(units) <= _LONG_LIST):
        return len(units)
    return ceil(len(units) / (_COMFORTABLE_ALONE if alone else _COMFORTABLE))


def epic_count(wanted: int, pieces: list[Piece]) -> int:
    """How many of so many tickets are epics."""
    if wanted < _FEWEST_WITH_EPIC:
        return 0
    if wanted < _FEWEST_WITH_EPICS:
        return 1
    chapter = chapter_of(pieces)
    several = len(set(chapter)) > 1
    named = chapter if several else [piece.units[0].section for piece in pieces]
    total = sum(len(piece.units) for piece in pieces)
    settled = wanted == len(pieces) + 1
    tickets = [1.0 if settled else len(piece.units) * wanted / total for piece in pieces]
    sections = _in_pairs(named, tickets)
    return max(1, min(sections, wanted // _TICKETS_PER_EPIC, 8))


def _in_pairs(named: Sequence[object], tickets: Sequence[float]) -> int:
    """Into how many shares of two tickets or more pieces fall, each ending with a chapter.

    Args:
        named: The chapter of each piece.
        tickets: About how many tickets each piece makes.
    """
    shares, size = 0, 0.0
    for name, following, own in zip(named, [*named[1:], None], tickets, strict=True):
        size += own
        if following != name and size > _ALONE:
            shares, size = shares + 1, 0.0
    return shares


def _rejoined(pieces: list[Piece], leaves: int) -> list[Piece]:
    """The pieces of each section in one, where there are sections enough: they belong together."""
    whole = by_section([unit for piece in pieces for unit in piece.units])
    return whole if len(whole) >= leaves else pieces


def _merge(pieces: list[Piece], leaves: int) -> None:
    """Joins the neighbours that are smallest together, within a section or chapter if possible."""
    while len(pieces) > max(leaves, _MANY) * 2:  # first in bulk: a book has thousands
        pieces[:] = [_joined(pieces[at : at + 2]) for at in range(0, len(pieces), 2)]
    while len(pieces) > leaves:
        place = min(range(len(pieces) - 1), key=lambda at: _cost(pieces[at], pieces[at + 1]))
        pieces[place].units += pieces.pop(place + 1).units


def _joined(pieces: list[Piece]) -> Piece:
    return Piece([unit for piece in pieces for unit in piece.units])


def _cost(one: Piece, other: Piece) -> tuple[int, bool]:
    before, after = one.units[-1].section, other.units[0].section
    within = after.path == (*before.path, before.heading)
    apart = before.path != after.path and not within
    strange = 0 if before is after else 2
    return len(one.units) + len(other.units) + strange + (2 if apart else 0), apart


def _split(pieces: list[Piece], leaves: int) -> None:
    """Halves the largest piece, between sections where it has several."""
    sizes = [_parted(piece.units) for piece in pieces]
    while len(pieces) < leaves:
        place = max(range(len(pieces)), key=sizes.__getitem__)
        units = pieces[place].units
        if len(units) == 1:
            return
        middle = _middle(units)
        parts = units[:middle], units[middle:]
        pieces[place : place + 1] = map(Piece, parts)
        sizes[place : place + 1] = map(_parted, parts)


def _parted(units: list[Unit]) -> tuple[int, int]:
    """Into how many pieces units can be cut, well and at all."""
    return 1 + sum(not signals.leans(unit.text) for unit in units[1:]), len(units)


def _middle(units: list[Unit]) -> int:
    """Where to cut: near the middle, before a new section or kind of line, not within a table.

    What says something only behind the line before it stays there, as long as others can go.
    """
    half = len(units) / 2
    places = range(1, len(units))

    def distance(at: int) -> float:
        one, other = units[at - 1], units[at]
        if signals.leans(other.text):
            return abs(at - half) + len(units)
        if one.section is not other.section or one.sentence.form != other.sentence.form:
            return abs(at - half) - 1
        if one.sentence.form is Form.PROSE and one.sentence.block != other.sentence.block:
            return abs(at - half) - 1
        return abs(at - half) + (2 if one.sentence.form is Form.ROW else 0)

    return min(places, key=distance)


def _with_facets(pieces: list[Piece], leaves: int) -> list[Piece]:
    """Further pieces about the same sentences, in turn, until there are enough."""
    bases = len(pieces)
    made: list[list[Piece]] = [[piece] for piece in pieces]
    for extra in range(max(0, leaves - bases)):
        own = made[extra % bases]
        own.append(Piece(own[0].units, facet=len(own)))
    ordered: list[Piece] = []
    for own in made:
        base = len(ordered)
        for piece in own[1:]:
            piece.base = base
        ordered += own
    return ordered


def shares(pieces: list[Piece], epics: int) -> list[range]:
    """Neighbouring pieces for each epic, about equally many, cut between chapters if possible."""
    shares: list[range] = []
    chapter = chapter_of(pieces)
    begins = [at for at in range(1, len(pieces)) if chapter[at] != chapter[at - 1]]
    start = 0
    for left in range(epics, 0, -1):
        if left == 1:
            shares.append(range(start, len(pieces)))
            break
        ideal = start + (len(pieces) - start) / left
        places = _cuts([at for at in begins if at > start], range(start + 1, len(pieces)), left)
        end = min(places, key=lambda at: abs(at - ideal) + _penalty(pieces, start, at))
        shares.append(range(start, end))
        start = end
    return shares


def _cuts(begins: Sequence[int], places: Sequence[int], left: int) -> Sequence[int]:
    """Where the next of so many epics may end: where a chapter begins, if enough of them do."""
    cuts = begins if len(begins) >= left - 1 else places
    return cuts[: len(cuts) - left + 2]


def _penalty(pieces: list[Piece], start: int, at: int) -> float:
    """How bad it is to end an epic there: in a section, at a facet, with one ticket."""
    before, after = pieces[at - 1].units[-1].section, pieces[at].units[0].section
    alone = _COMFORTABLE if 1 in {at - start, len(pieces) - at} else 0
    torn = 100 if pieces[at].facet or before is after else 0
    return alone + torn


def chapter_of(pieces: list[Piece]) -> list[str]:
    """The chapter of each piece: the heading below the document's title, if it has one."""
    paths = [(*section.path, section.heading) for section in (p.units[0].section for p in pieces)]
    depth = 1 if len({path[0] for path in paths}) == 1 else 0
    return [path[min(depth, len(path) - 1)] for path in paths]


def chapters(pieces: Iterable[Piece]) -> list[str]:
    """The different names of what pieces are about, in order."""
    headings = [section.name for piece in pieces for section in piece.sections]
    return [heading for heading in dict.fromkeys(headings) if heading]
