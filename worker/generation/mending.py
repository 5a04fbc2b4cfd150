"""Deterministic repairs: whatever a draft says, after these it keeps the contract's rules."""

from math import ceil
from typing import TypeVar

from worker.generation.draft import (
    KINDS,
    LEVELS,
    LONGEST_LABEL,
    LONGEST_TITLE,
    MOST_CRITERIA,
    POINTS,
    Drafts,
    QuestionDraft,
    RiskDraft,
    TicketDraft,
)
from worker.generation.endings import once_each
from worker.generation.epics import idle
from worker.generation.journal import Journal
from worker.generation.phrasebook import Phrasebook
from worker.generation.text import capitalised, clean, clipped, closed, folded, one_line, shorten
from worker.generation.topics import ACCEPTANCE

Note = TypeVar("Note", RiskDraft, QuestionDraft)

_LABELS = 6
# More notes than these are told several in one: none is left out.
_NOTES = 200


def mend(
    drafts: Drafts, journal: Journal, *, name: str, include_epics: bool, book: Phrasebook
) -> None:
    """Makes the drafts fit the schema and the graph rules; their number stays.

    Args:
        drafts: Changed in place.
        journal: Takes each repair.
        name: What the work is called, for what has no words of its own.
        include_epics: False: epics become stories.
        book: What code says, in the language of the spec.
    """
    for ticket in drafts.tickets:
        _mend_text(ticket, journal, name)
        _mend_criteria(ticket, journal, book)
        _mend_values(ticket, journal)
    _set_apart(drafts.tickets, journal)
    _mend_parents(drafts.tickets, journal, include_epics=include_epics)
    _mend_order(drafts.tickets, journal)
    _mend_notes(drafts, name)


def _mend_text(ticket: TicketDraft, journal: Journal, name: str) -> None:
    if len(one_line(ticket.title)) > LONGEST_TITLE:
        journal.repair("title too long", ticket=ticket.title, done="cut at a word")
    ticket.title = clipped(capitalised(one_line(ticket.title)), LONGEST_TITLE) or clipped(
        name, LONGEST_TITLE
    )
    told = clean(ticket.description).strip()
    ticket.description = once_each(told) or ticket.title
    if ticket.description != told:
        journal.repair("sentence repeated", ticket=ticket.title, done="said once")


def _mend_criteria(ticket: TicketDraft, journal: Journal, book: Phrasebook) -> None:
    criteria = dict.fromkeys(_unlabelled(one_line(told)) for told in ticket.criteria)
    known = [criterion for criterion in criteria if criterion]
    ticket.criteria = known[:MOST_CRITERIA] or [one_line(ticket.description)]
    if beyond := known[MOST_CRITERIA:]:
        journal.repair("too many criteria", ticket=ticket.title, done="listed in the description")
        listed = "\n".join(f"- {criterion}" for criterion in beyond)
        ticket.description += f"\n\n{book.beyond}\n{listed}"


def _unlabelled(criterion: str) -> str:
    """A criterion without "Acceptance criteria:" before it."""
    label, _, told = criterion.partition(":")
    named = told.strip() and ACCEPTANCE.fullmatch(label.strip())
    return closed(capitalised(told.strip()) if named else criterion)


def _mend_values(ticket: TicketDraft, journal: Journal) -> None:
    ticket.component = shorten(one_line(ticket.component), LONGEST_TITLE)
    if ticket.kind not in KINDS:
        journal.repair("type unknown", ticket=ticket.title, done="made a task")
        ticket.kind = "task"
    if ticket.priority not in LEVELS:
        ticket.priority = None
    if ticket.points is not None and ticket.points not in POINTS:
        points = _nearest(ticket.points)
        done = "left out" if points is None else f"{ticket.points} made {points}"
        journal.repair("points off the scale", ticket=ticket.title, done=done)
        ticket.points = points
    labels = dict.fromkeys(
        shorten(one_line(label).lower(), LONGEST_LABEL) for label in ticket.labels
    )
    ticket.labels = [label for label in labels if label][:_LABELS]


def _nearest(points: int) -> int | None:
    """The nearest points of the scale; None for what can be no effort on it, such as hours."""
    if not POINTS[0] <= points <= 2 * POINTS[-1]:
        return None
    return min(POINTS, key=lambda known: abs(known - points))


def _set_apart(tickets: list[TicketDraft], journal: Journal) -> None:
    """Numbers the repetitions of a title, so that each can be told from the others."""
    taken: set[str] = set()
    for ticket in tickets:
        title, times = ticket.title, 1
        while folded(ticket.title) in taken:
            times += 1
            suffix = f" ({times})"
            ticket.title = clipped(title, LONGEST_TITLE - len(suffix)) + suffix
        if times > 1:
            journal.repair("title repeated", ticket=ticket.title, done="numbered")
        taken.add(folded(ticket.title))


def _mend_parents(tickets: list[TicketDraft], journal: Journal, *, include_epics: bool) -> None:
    for ticket in tickets:
        if not include_epics and ticket.kind == "epic":
            journal.repair("epic unwanted", ticket=ticket.title, done="made a story")
            ticket.kind = "story"
    epics = {place for place, ticket in enumerate(tickets) if ticket.kind == "epic"}
    for place, ticket in enumerate(tickets):
        if ticket.parent is not None and (place in epics or ticket.parent not in epics):
            journal.repair("parent is no epic", ticket=ticket.title, done="left out")
            ticket.parent = None
    for place in idle(tickets):
        journal.repair("epic without tickets", ticket=tickets[place].title, done="made a story")
        tickets[place].kind = "story"


def _mend_order(tickets: list[TicketDraft], journal: Journal) -> None:
    """Drops dependencies that cannot be: unknown, repeated, on itself or its epic, in a circle."""
    before: list[set[int]] = [set() for _ in tickets]
    for place, ticket in enumerate(tickets):
        kept: list[int] = []
        for other in dict.fromkeys(ticket.after):
            possible = 0 <= other < len(tickets) and other != place
            if possible and not _family(tickets, place, other) and place not in before[other]:
                kept.append(other)
                gained = before[other] | {other}
                for later in range(len(tickets)):
                    if later == place or place in before[later]:
                        before[later] |= gained
        if len(kept) < len(ticket.after):
            journal.repair("dependency impossible", ticket=ticket.title, done="left out")
        ticket.after = kept


def _family(tickets: list[TicketDraft], one: int, other: int) -> bool:
    return tickets[one].parent == other or tickets[other].parent == one


def _mend_notes(drafts: Drafts, name: str) -> None:
    drafts.summary = once_each(clean(drafts.summary).strip()) or name
    for item in drafts.notes:
        item.text = one_line(item.text)
        known = (place for place in item.tickets if 0 <= place < len(drafts.tickets))
        item.tickets = list(dict.fromkeys(known))
    for risk in drafts.risks:
        if risk.severity not in LEVELS:
            risk.severity = "medium"
    drafts.risks = _bundled(drafts.risks)
    drafts.questions = _bundled(drafts.questions)


def _bundled(notes: list[Note]) -> list[Note]:
    """The notes, each once; several in one where there are too many to be read."""
    different = list({folded(note.text) or note.text: note for note in notes if note.text}.values())
    size = ceil(len(different) / _NOTES) or 1
    for start in range(0, len(different), size):
        told = different[start : start + size]
        told[0].text = " ".join(note.text for note in told)
        told[0].tickets = list(dict.fromkeys(place for note in told for place in note.tickets))
    return different[::size]
