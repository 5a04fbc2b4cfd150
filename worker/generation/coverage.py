"""Which ticket covers which requirement, and what becomes of those that none covers.

A ticket covers the sentences that it cites, and those whose words it holds.
One that it cites without saying what it says becomes a criterion of it. The
rest goes into the ticket about the same section or chapter, or becomes an open
question: nothing is left out in silence.
"""

from bisect import bisect, insort
from collections import Counter
from collections.abc import Iterable

from worker.generation.draft import (
    MOST_CRITERIA,
    Drafts,
    QuestionDraft,
    Span,
    TicketDraft,
)
from worker.generation.grounding import component
from worker.generation.journal import Journal
from worker.generation.phrasebook import Phrasebook
from worker.generation.roles import Role, Unit
from worker.generation.similarity import spoken, words
from worker.generation.spec import Section
from worker.generation.text import shorten

# A ticket that holds so many of a requirement's words covers it; half of them when it cites it,
# as other words may then stand for the rest.
_COVERED = 0.7
_TOLD = 0.5
_QUOTED = 3
_QUOTED_LENGTH = 400


def uncovered(drafts: Drafts, units: Iterable[Unit], journal: Journal) -> list[Unit]:
    """The requirements that no ticket covers; those covered by words get their place noted."""
    left: list[Unit] = []
    found: Counter[str] = Counter()
    leaves = [ticket for ticket in drafts.tickets if ticket.kind != "epic"]
    cited = {span for ticket in leaves for span in ticket.spans}
    told = [(ticket, spoken(ticket)) for ticket in leaves]
    for unit in _required(units):
        if unit.sentence.span in cited:
            continue
        holder = _by_words(unit, told)
        if holder is None:
            left.append(unit)
        else:
            holder.spans.append(unit.sentence.span)
            found[holder.title] += 1
    for title, times in found.items():
        journal.repair("requirements not cited", ticket=title, done=f"{times} found by their words")
    return left


def citing_only(drafts: Drafts, units: Iterable[Unit], role: Role) -> list[int]:
    """The places of the tickets that cite something, and nothing but sentences of a role."""
    roles = {unit.sentence.span: unit.role for unit in units}
    return [
        place
        for place, ticket in enumerate(drafts.tickets)
        if ticket.kind != "epic" and {roles.get(span) for span in ticket.spans} == {role}
    ]


def tell(drafts: Drafts, units: Iterable[Unit], journal: Journal) -> None:
    """Lets tickets say what they cite: a requirement that they do not tell becomes a criterion.

    A ticket tells a requirement with half of its words and all of its numbers.
    """
    for ticket, own in _cited_only(drafts, units):
        ticket.criteria += [unit.text for unit in own]
        done = f"{len(own)} made criteria"
        journal.repair("requirements cited only", ticket=ticket.title, done=done)


def release(drafts: Drafts, units: Iterable[Unit], journal: Journal) -> None:
    """Lets tickets no longer cite what they do not tell and have no room to: it is other work."""
    for ticket, own in _cited_only(drafts, units):
        room = max(MOST_CRITERIA - len(ticket.criteria), 0)
        if beyond := {unit.sentence.span for unit in own[room:]}:
            for other in drafts.tickets:
                other.spans = [span for span in other.spans if span not in beyond]
            done = f"{len(beyond)} requirements it only cites set free"
            journal.repair("too much in one ticket", ticket=ticket.title, done=done)


def _cited_only(drafts: Drafts, units: Iterable[Unit]) -> list[tuple[TicketDraft, list[Unit]]]:
    """The requirements that are cited and told by no ticket, with the one that tells most of it."""
    leaves = [ticket for ticket in drafts.tickets if ticket.kind != "epic"]
    told = [(ticket, spoken(ticket)) for ticket in leaves]
    citing: dict[Span, list[tuple[TicketDraft, frozenset[str]]]] = {}
    for ticket, said in told:
        for span in ticket.spans:
            citing.setdefault(span, []).append((ticket, said))
    found: dict[int, tuple[TicketDraft, list[Unit]]] = {}
    for unit in _required(units):
        own, holders = words(unit.text), citing.get(unit.sentence.span, [])
        if not holders or any(_tells(said, own) for _, said in holders) or _by_words(unit, told):
            continue
        holder, _ = max(holders, key=lambda held: len(held[1] & own))
        found.setdefault(id(holder), (holder, []))[1].append(unit)
    return list(found.values())


def _tells(said: frozenset[str], own: frozenset[str]) -> bool:
    numbers = {word for word in own if word.isdigit()}
    return len(own & said) >= _TOLD * len(own) and numbers <= said


def place(
    drafts: Drafts, units: list[Unit], left: list[Unit], book: Phrasebook, journal: Journal
) -> None:
    """Gives each requirement that is left to the ticket about its section, or asks about it.

    Args:
        drafts: Changed in place.
        units: All sentences of the spec.
        left: Those that no ticket covers.
        book: What code says, in the language of the spec.
        journal: Takes what was done.
    """
    homeless: dict[str, list[Unit]] = {}
    citing = _Citing(drafts.tickets, units)
    found: Counter[str] = Counter()
    for unit in left:
        nearest = citing.nearest(unit)
        if nearest is None:
            homeless.setdefault(component(unit.section), []).append(unit)
        else:
            nearest.criteria.append(unit.text)
            nearest.spans.append(unit.sentence.span)
            citing.add(unit, nearest)
            found[nearest.title] += 1
    for title, times in found.items():
        journal.repair("requirements left out", ticket=title, done=f"{times} made criteria")
    for chapter, own in homeless.items():
        for at in range(0, len(own), _QUOTED):
            question = _question(chapter, own[at : at + _QUOTED], book)
            drafts.questions.append(QuestionDraft(question))
        journal.repair("requirements left out", done=f"{len(own)} asked about")


class _Citing:
    """Which ticket cites which sentence; the nearest is found without looking at them all."""

    def __init__(self, tickets: list[TicketDraft], units: list[Unit]) -> None:
        self._ticket: dict[int, TicketDraft] = {}
        # The numbers of the cited sentences in order, by section and by chapter.
        self._numbers: dict[Section | str, list[int]] = {}
        by_span = {unit.sentence.span: unit for unit in units}
        for ticket in tickets:
            for span in ticket.spans if ticket.kind != "epic" else ():
                if span in by_span:
                    self.add(by_span[span], ticket)

    def add(self, unit: Unit, ticket: TicketDraft) -> None:
        number = unit.sentence.number
        if number not in self._ticket:
            self._ticket[number] = ticket
            for place in (unit.section, component(unit.section)):
                insort(self._numbers.setdefault(place, []), number)

    def nearest(self, unit: Unit) -> TicketDraft | None:
        """The ticket that cites the nearest sentence of the same section, or else chapter."""
        number = unit.sentence.number
        for place in (unit.section, component(unit.section)):
            if numbers := self._numbers.get(place):
                after = bisect(numbers, number)
                around = numbers[max(after - 1, 0) : after + 1]
                return self._ticket[min(around, key=lambda other: abs(other - number))]
        return None


def _required(units: Iterable[Unit]) -> list[Unit]:
    return [unit for unit in units if unit.role is Role.REQUIREMENT]


def _by_words(unit: Unit, told: list[tuple[TicketDraft, frozenset[str]]]) -> TicketDraft | None:
    """The first ticket that has most of a requirement's words."""
    own = words(unit.text)
    for ticket, said in told if own else ():
        if len(own & said) >= _COVERED * len(own):
            return ticket
    return None


def _question(chapter: str, own: list[Unit], book: Phrasebook) -> str:
    quoted = " ".join(f"“{shorten(unit.text, _QUOTED_LENGTH)}”" for unit in own)
    where = book.under.format(chapter) if chapter else ""
    return book.uncovered.format(where=where, quoted=quoted)
