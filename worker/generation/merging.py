"""Tickets of several batches that turn out to be about the same work."""

from worker.generation.draft import Drafts, TicketDraft
from worker.generation.journal import Journal
from worker.generation.similarity import twins

_CRITERIA = 8


def merge_twins(drafts: Drafts, journal: Journal, *, least: int) -> None:
    """Makes one of each pair of twins, as long as more than `least` tickets are left.

    Twins that stay are recorded: a rule of taste does not fail a job.
    """
    moved: dict[int, int] = {}
    kept: list[int] = []
    for place, ticket in enumerate(drafts.tickets):
        twin = next((other for other in kept if twins(drafts.tickets[other], ticket)), None)
        if twin is None or ticket.kind == "epic":
            kept.append(place)
        elif len(drafts.tickets) - len(moved) > least:
            moved[place] = twin
            journal.repair("ticket twice", ticket=ticket.title, done="merged with its twin")
            _absorb(drafts.tickets[twin], ticket)
        else:
            kept.append(place)
            journal.repair("ticket twice", ticket=ticket.title)
    _point_to(drafts, moved)
    drafts.keep(kept)


def _absorb(ticket: TicketDraft, twin: TicketDraft) -> None:
    ticket.criteria = list(dict.fromkeys([*ticket.criteria, *twin.criteria]))[:_CRITERIA]
    ticket.labels = list(dict.fromkeys([*ticket.labels, *twin.labels]))
    ticket.spans = sorted({*ticket.spans, *twin.spans})
    ticket.after = list(dict.fromkeys([*ticket.after, *twin.after]))
    if len(twin.description) > len(ticket.description):
        ticket.description = twin.description
    sizes = [size for size in (ticket.points, twin.points) if size is not None]
    ticket.points = max(sizes, default=None)


def _point_to(drafts: Drafts, moved: dict[int, int]) -> None:
    """Lets references to a ticket that is gone lead to its twin."""
    for ticket in drafts.tickets:
        ticket.after = [moved.get(place, place) for place in ticket.after]
    for item in drafts.notes:
        item.tickets = [moved.get(place, place) for place in item.tickets]
