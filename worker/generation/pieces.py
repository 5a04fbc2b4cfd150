"""What single tickets are made of: requirements that stand together in the spec.

Pieces are joined, cut or added to until there are as many as asked for. Only when there are to
be more of them than sentences do several share one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from worker.generation import signals
from worker.generation.lines import Form
from worker.generation.roles import Role, Unit
from worker.generation.spec import Section
from worker.generation.topics import ACCEPTANCE

# Twice what a job may ask for; the time to cut or join more of them grows as their square.
MOST = 100


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
        weights = [section.weight for section in self.sections if section.weight]
        if not self.whole:
            return [*weights, *(unit.text for unit in self.units)]
        told = (sentence.text for section in self.sections for sentence in section.sentences)
        return [*weights, *told]


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


def chapter_of(pieces: list[Piece]) -> list[str]:
    """The chapter of each piece: the heading below the document's title, if it has one."""
    paths = [(*section.path, section.heading) for section in (p.units[0].section for p in pieces)]
    depth = 1 if len({path[0] for path in paths}) == 1 else 0
    return [path[min(depth, len(path) - 1)] for path in paths]


def chapters(pieces: Iterable[Piece]) -> list[str]:
    """The different names of what pieces are about, in order."""
    headings = [section.name for piece in pieces for section in piece.sections]
    return [heading for heading in dict.fromkeys(headings) if heading]


def arranged(pieces: list[Piece], leaves: int, among: Iterable[Unit] = ()) -> list[Piece]:
    """The pieces merged, split or added to until there are so many.

    Args:
        pieces: At least one.
        leaves: How many there are to be.
        among: All units of the spec, where the pieces hold only some of its requirements.
    """
    if len(pieces) > leaves:
        pieces = _rejoined(pieces, leaves)
    _merge(pieces, leaves)
    split(pieces, leaves)
    _know_whole(pieces, among)
    return _with_facets(pieces, leaves)


def _rejoined(pieces: list[Piece], leaves: int) -> list[Piece]:
    """The pieces of each section in one, where there are sections enough: they belong together."""
    whole = by_section([unit for piece in pieces for unit in piece.units])
    return whole if len(whole) >= leaves else pieces


def _merge(pieces: list[Piece], leaves: int) -> None:
    """Joins the neighbours that are smallest together, within a section or chapter if possible."""
    while len(pieces) > max(leaves, MOST) * 2:  # first in bulk: a book has thousands
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


def split(pieces: list[Piece], leaves: int) -> None:
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

    A story begins anew. What says something only behind the line before it stays there, as long
    as others can go.
    """
    half = len(units) / 2
    places = range(1, len(units))

    def distance(at: int) -> float:
        one, other = units[at - 1], units[at]
        if signals.is_story(other.text):
            return abs(at - half) - len(units)
        if signals.leans(other.text):
            return abs(at - half) + len(units)
        if one.section is not other.section or one.sentence.form != other.sentence.form:
            return abs(at - half) - 1
        if one.sentence.form is Form.PROSE and one.sentence.block != other.sentence.block:
            return abs(at - half) - 1
        return abs(at - half) + (2 if one.sentence.form is Form.ROW else 0)

    return min(places, key=distance)


def _know_whole(pieces: list[Piece], among: Iterable[Unit]) -> None:
    """Notes which pieces hold all requirements of each of their sections."""
    sizes = Counter(unit.section for piece in pieces for unit in piece.units)
    sizes |= Counter(unit.section for unit in among if unit.role is Role.REQUIREMENT)
    for piece in pieces:
        own = Counter(unit.section for unit in piece.units)
        piece.whole = all(sizes[section] == size for section, size in own.items())


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
