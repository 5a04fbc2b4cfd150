"""How many epics there are, and which pieces each of them holds."""

from collections.abc import Sequence

from worker.generation.pieces import Piece, chapter_of

_FEWEST_WITH_EPIC = 4
_FEWEST_WITH_EPICS = 10
_TICKETS_PER_EPIC = 5
_MOST_EPICS = 8
# An epic is to hold more than one ticket.
_ALONE = 1.5
# So much nearer to its share of the pieces an epic may end elsewhere, rather than hold one alone.
_LONELY = 5
# Rather than in a section, or between a piece and its facet, it ends anywhere.
_TORN = 100


def epic_count(wanted: int, pieces: list[Piece]) -> int:
    """How many of so many tickets are epics."""
    if wanted < _FEWEST_WITH_EPIC:
        return 0
    stated = {piece.units[0].section.epic for piece in pieces}
    if "" not in stated and 2 * len(stated) <= wanted and len(stated) <= _MOST_EPICS:
        return len(stated)
    if wanted < _FEWEST_WITH_EPICS:
        return 1
    chapter = chapter_of(pieces)
    several = len(set(chapter)) > 1
    named = chapter if several else [piece.units[0].section for piece in pieces]
    total = sum(len(piece.units) for piece in pieces)
    settled = wanted == len(pieces) + 1
    tickets = [1.0 if settled else len(piece.units) * wanted / total for piece in pieces]
    sections = _in_pairs(named, tickets)
    return max(1, min(sections, wanted // _TICKETS_PER_EPIC, _MOST_EPICS))


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
    alone = _LONELY if 1 in {at - start, len(pieces) - at} else 0
    torn = _TORN if pieces[at].facet or before is after else 0
    return alone + torn
