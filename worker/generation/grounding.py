"""What the sentences that tickets cite say about them: component and confidence."""

from worker.generation.draft import Drafts, TicketDraft
from worker.generation.roles import Role, Unit
from worker.generation.similarity import words
from worker.generation.spec import Section

_LEAST = 0.2
_FOUNDED = 0.75
_UNASKED = {Role.CONTEXT, Role.OUTSIDE}


def ground(drafts: Drafts, units: list[Unit]) -> None:
    """Completes written tickets: their component and, up to what is known, confidence."""
    by_span = {unit.sentence.span: unit for unit in units}
    for ticket in drafts.tickets:
        if ticket.kind == "epic":
            continue
        cited = [by_span[span] for span in ticket.spans if span in by_span]
        if cited and not ticket.component:
            ticket.component = component(cited[0].section)
        most = 1.0 if ticket.confidence is None else ticket.confidence
        ticket.confidence = min(_grounding(ticket, cited), most)


def component(section: Section) -> str:
    """The chapter, below the document's own title."""
    return section.path[1] if len(section.path) > 1 else section.heading


def _grounding(ticket: TicketDraft, cited: list[Unit]) -> float:
    """How far the words of a ticket are words of the sentences it cites, 0.2 to 0.95.

    Words of up to three letters say nothing about that and do not count, and
    sentences that ask for nothing found nothing.
    """
    own = words(" ".join([ticket.title, *ticket.criteria]))
    quoted = words(" ".join(unit.text for unit in cited if unit.role not in _UNASKED))
    if not own:
        return _LEAST
    return _LEAST + _FOUNDED * len(own & quoted) / len(own)
