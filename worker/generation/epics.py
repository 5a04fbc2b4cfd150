"""Epics of written tickets: which tickets they hold, and what they say."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from worker.generation.checks import adds_nothing, is_blank
from worker.generation.draft import MOST_CRITERIA, TicketDraft
from worker.generation.headings import telling, together
from worker.generation.journal import Journal
from worker.generation.phrasebook import Phrasebook
from worker.generation.similarity import repeats, within, words

# A ticket that says so much of an epic's title may belong to it.
_ALIKE = 0.5
_LISTED = 12
_HEADINGS = 8


def settle(tickets: Sequence[TicketDraft], journal: Journal) -> None:
    """Gives each ticket an epic, and each epic a ticket if another can spare one like it.

    A ticket without an epic goes to the one that it shares most words with
    where none has a ticket yet, and else to that of the ticket whose sentences are nearest.
    """
    places = [place for place, ticket in enumerate(tickets) if ticket.kind == "epic"]
    leaves = [ticket for ticket in tickets if ticket.kind != "epic"]
    if places and not any(ticket.parent in places for ticket in leaves):
        for ticket in leaves:
            ticket.parent = _nearest(ticket, places, tickets)
    _house(leaves)
    for place in idle(tickets):
        if adopted := _spare(place, tickets):
            journal.repair("epic without tickets", ticket=tickets[place].title, done="given one")
            adopted.parent = place


def _held(tickets: Sequence[TicketDraft]) -> Iterator[tuple[TicketDraft, list[TicketDraft]]]:
    """Each epic that holds tickets, with those."""
    for place, epic in enumerate(tickets):
        own = [ticket for ticket in tickets if ticket.parent == place]
        if epic.kind == "epic" and own:
            yield epic, own


def idle(tickets: Sequence[TicketDraft]) -> list[int]:
    """The places of the epics that hold no ticket."""
    held = {ticket.parent for ticket in tickets if ticket.kind != "epic"}
    return [
        place for place, ticket in enumerate(tickets) if ticket.kind == "epic" and place not in held
    ]


def _nearest(ticket: TicketDraft, places: list[int], tickets: Sequence[TicketDraft]) -> int | None:
    """The place of the epic that a ticket shares most words with; the only one in any case."""
    own = _words(ticket)
    shares = {place: len(own & _words(tickets[place])) for place in places}
    best = max(places, key=lambda place: shares[place])
    return best if shares[best] or len(places) == 1 else None


def _house(leaves: Sequence[TicketDraft]) -> None:
    """Gives a ticket without an epic that of the one whose sentences are nearest."""
    housed = [ticket for ticket in leaves if ticket.parent is not None and ticket.spans]
    for ticket in leaves:
        if housed and ticket.parent is None and ticket.spans:
            start = ticket.spans[0][0]
            nearest = min(housed, key=lambda other: abs(other.spans[0][0] - start))
            ticket.parent = nearest.parent


def _spare(epic: int, tickets: Sequence[TicketDraft]) -> TicketDraft | None:
    """The ticket that says most of an epic's title, where its own epic has others."""
    held = Counter(ticket.parent for ticket in tickets)
    others = [one for one in tickets if one.kind != "epic" and held[one.parent] > 1]
    shares = [within(tickets[epic].title, [f"{one.title} {one.description}"]) for one in others]
    most = max(shares, default=0.0)
    return others[shares.index(most)] if most >= _ALIKE else None


def _words(ticket: TicketDraft) -> frozenset[str]:
    return words(f"{ticket.title} {ticket.description}")


def complete_texts(
    tickets: Sequence[TicketDraft], name: str, book: Phrasebook, journal: Journal
) -> None:
    """Puts what an epic holds where it says nothing.

    Args:
        tickets: Changed in place; each epic holds at least one.
        name: What the whole work is called.
        book: What code says, in the language of the spec.
        journal: Takes the repairs.
    """
    for epic, own in _held(tickets):
        headings = list(dict.fromkeys(t.component for t in own if t.component))
        called = together(telling(headings[:_HEADINGS]), book) if headings else name
        _complete(epic, own, called, book, journal)


def _complete(
    epic: TicketDraft, own: list[TicketDraft], called: str, book: Phrasebook, journal: Journal
) -> None:
    if is_blank(epic.title):
        epic.title = called
        journal.repair("title empty", ticket=epic.title, done="made of headings")
    if is_blank(epic.description) or repeats(epic.description, epic.title):
        epic.description = holding(epic.title, own)
        journal.repair("description empty", ticket=epic.title, done="made of its tickets' titles")
    told = [
        one
        for one in epic.criteria
        if not adds_nothing(one, epic.title) and one != epic.description
    ]
    if not told:
        told = done(own, book)
        journal.repair("no criteria", ticket=epic.title, done="made of its tickets' titles")
    epic.criteria = told


def holding(title: str, own: Iterable[TicketDraft]) -> str:
    """A description of an epic by the titles of its tickets."""
    return f"{title}: " + "; ".join(ticket.title for ticket in [*own][:_LISTED]) + "."


def done(own: Sequence[TicketDraft], book: Phrasebook) -> list[str]:
    """Criteria of an epic by the titles of its tickets."""
    return [book.done.format(one.title) for one in own][:MOST_CRITERIA]


def ground(tickets: Sequence[TicketDraft]) -> None:
    """An epic is as sure as its tickets are on average, and comes from where they come from."""
    for epic, own in _held(tickets):
        known = [ticket.confidence for ticket in own if ticket.confidence is not None]
        epic.confidence = sum(known) / len(known) if known else None
        epic.spans = [span for ticket in own for span in ticket.spans]
        shared = {ticket.component for ticket in own}
        if not epic.component and len(shared) == 1:
            epic.component = shared.pop()
