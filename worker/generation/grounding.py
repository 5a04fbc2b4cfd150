"""What the sentences that tickets cite say about them: component, confidence, epic."""

from worker.generation.draft import Drafts, TicketDraft
from worker.generation.roles import Unit
from worker.generation.similarity import words
from worker.generation.spec import Section

_LEAST = 0.2
_FOUNDED = 0.75


def ground(drafts: Drafts, units: list[Unit]) -> None:
    """Completes written tickets: their component, confidence and, where one is missing, epic."""
    by_span = {unit.sentence.span: unit for unit in units}
    for ticket in drafts.tickets:
        if ticket.kind == "epic":
            continue
        cited = [by_span[span] for span in ticket.spans if span in by_span]
        if cited and not ticket.component:
            ticket.component = component(cited[0].section)
        if ticket.confidence is None:
            ticket.confidence = _grounding(ticket, cited)
    _house(drafts.tickets)


def component(section: Section) -> str:
    """The chapter, below the document's own title."""
    return section.path[1] if len(section.path) > 1 else section.heading


def _grounding(ticket: TicketDraft, cited: list[Unit]) -> float:
    """How far the words of a ticket are words of the sentences it cites, 0.2 to 0.95.

    Words of up to three letters say nothing about that and do not count.
    """
    own = words(" ".join([ticket.title, *ticket.criteria]))
    if not own or not cited:
        return _LEAST
    quoted = words(" ".join(unit.text for unit in cited))
    return _LEAST + _FOUNDED * len(own & quoted) / len(own)


def _house(tickets: list[TicketDraft]) -> None:
    """Gives a ticket without an epic that of the one whose sentences are nearest."""
    housed = [t for t in tickets if t.kind != "epic" and t.parent is not None and t.spans]
    for ticket in tickets:
        if housed and ticket.kind != "epic" and ticket.parent is None and ticket.spans:
            start = ticket.spans[0][0]
            nearest = min(housed, key=lambda other: abs(other.spans[0][0] - start))
            ticket.parent = nearest.parent


def complete_epics(tickets: list[TicketDraft]) -> None:
    """An epic is as sure as its tickets are on average, and comes from where they come from."""
    for place, epic in enumerate(tickets):
        own = [ticket for ticket in tickets if ticket.parent == place]
        if epic.kind != "epic" or not own:
            continue
        known = [ticket.confidence for ticket in own if ticket.confidence is not None]
        epic.confidence = sum(known) / len(known) if known else None
        epic.spans = [span for ticket in own for span in ticket.spans]
        shared = {ticket.component for ticket in own}
        if not epic.component and len(shared) == 1:
            epic.component = shared.pop()
