"""Tickets that turn out to be about the same work, or to be called the same."""

from collections import Counter
from collections.abc import Iterable

from worker.generation.draft import Drafts, TicketDraft
from worker.generation.journal import Journal
from worker.generation.similarity import Gist, gist, twins
from worker.generation.spec import Sentence
from worker.generation.text import folded
from worker.generation.titles import title_from


def merge_twins(drafts: Drafts, journal: Journal, *, least: int) -> None:
    """Makes one of each pair of twins, as long as more than `least` tickets are left."""
    moved: dict[int, int] = {}
    kept: dict[int, Gist] = {}
    for place, ticket in enumerate(drafts.tickets):
        own = gist(ticket)
        twin = next((other for other, known in kept.items() if twins(known, own)), None)
        spare = len(drafts.tickets) - len(moved) > least
        if twin is None or ticket.kind == "epic" or not spare:
            kept[place] = own
            continue
        moved[place] = twin
        journal.repair("ticket twice", ticket=ticket.title, done="merged with its twin")
        _absorb(drafts.tickets[twin], ticket)
        kept[twin] = gist(drafts.tickets[twin])
    _point_to(drafts, moved)
    drafts.keep(list(kept))


def twins_left(drafts: Drafts) -> list[list[int]]:
    """The places of tickets that are twins of each other, group by group."""
    groups: list[tuple[Gist, list[int]]] = []
    for place, ticket in enumerate(drafts.tickets):
        if ticket.kind != "epic":
            own = gist(ticket)
            group = next((places for first, places in groups if twins(first, own)), None)
            if group is None:
                groups.append((own, [place]))
            else:
                group.append(place)
    return [places for _, places in groups if len(places) > 1]


def rename_alike(drafts: Drafts, sentences: Iterable[Sentence], journal: Journal) -> None:
    """Gives a ticket that is called like an earlier one the title of a sentence that is its own.

    One that cites no sentence that no other cites keeps its title.
    """
    leaves = [ticket for ticket in drafts.tickets if ticket.kind != "epic"]
    citing = Counter(span for ticket in leaves for span in set(ticket.spans))
    texts = {sentence.span: sentence.text for sentence in sentences}
    earlier: list[Gist] = []
    called: set[frozenset[str]] = set()
    for ticket in leaves:
        like = gist(ticket)
        if _called(ticket.title) in called or any(twins(like, other) for other in earlier):
            own = [texts[span] for span in ticket.spans if citing[span] == 1 and span in texts]
            _rename(ticket, own, called, journal)
            like = gist(ticket)
        called.add(_called(ticket.title))
        earlier.append(like)


def _rename(
    ticket: TicketDraft, own: Iterable[str], called: set[frozenset[str]], journal: Journal
) -> None:
    title = next((made for made in map(title_from, own) if _called(made) not in called), None)
    if title is not None:
        journal.repair("title twice", ticket=ticket.title, done=f"now {title}")
        ticket.title = title


def _called(title: str) -> frozenset[str]:
    return frozenset(folded(title).split())


def _absorb(ticket: TicketDraft, twin: TicketDraft) -> None:
    ticket.criteria = list(dict.fromkeys([*ticket.criteria, *twin.criteria]))
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
