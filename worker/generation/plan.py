"""Which part of the spec goes into which ticket, decided before any ticket is written.

Every requirement has its place in exactly one piece; epics hold neighbouring pieces.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

from worker.generation import signals
from worker.generation.lines import Form
from worker.generation.pieces import MOST, Piece, arranged, by_section, split
from worker.generation.roles import Role, Unit, as_requirement, sort
from worker.generation.shares import epic_count, shares
from worker.generation.spec import Section, Sentence, Spec
from worker.generation.topics import ACCEPTANCE, GENERIC, is_finding


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
    split(parts, min(_size(piece, alone=alone), MOST))
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
