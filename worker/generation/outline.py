"""The plan of a spec that takes several calls: its parts, and an epic for each.

Code decides what the parts are, so that none is forgotten and a ticket's epic
follows from the sentences that it cites. The model is shown the parts' headings
and first requirements, and writes the epics and the summary.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace

from worker.generation import shape
from worker.generation.answer import NoJsonError, parse
from worker.generation.calls import Calls, Message, TooLongError
from worker.generation.checks import is_blank
from worker.generation.draft import Drafts, TicketDraft
from worker.generation.endings import finished
from worker.generation.headings import telling, together
from worker.generation.job import GenerationJob
from worker.generation.phrasebook import Phrasebook
from worker.generation.pieces import Piece, by_section, chapters
from worker.generation.prompts import fenced
from worker.generation.question import PROMPT, question
from worker.generation.reading import read_outline
from worker.generation.roles import Role, Unit
from worker.generation.shares import epic_count, shares
from worker.generation.text import shorten
from worker.ollama import UnusableError

# How much of each part the model sees, and how much less when that does not fit.
_SHOWN = ((6, 160), (4, 100), (2, 80), (1, 40), (0, 0))
_HEADINGS = 8


@dataclass(frozen=True, slots=True)
class Outline:
    """The parts of a spec.

    Attributes:
        summary: Of the whole; empty when the model gave none.
        epics: One per part, in the spec's order; may be empty.
        begins: The number of each part's first requirement.
        headings: What the whole spec speaks of, for a prompt.
    """

    summary: str
    epics: list[TicketDraft]
    begins: list[int]
    headings: str

    def epic_of(self, number: int) -> int:
        """The place of the epic for the part that a sentence is in."""
        return max(bisect_right(self.begins, number) - 1, 0)


def outline(
    job: GenerationJob, units: list[Unit], calls: Calls, book: Phrasebook, *, expected: int
) -> Outline:
    """The outline of a spec; takes one call when there are to be epics.

    Args:
        job: What is asked for.
        units: The spec's sentences with their roles.
        calls: The model.
        book: What code says, in the language of the spec.
        expected: About how many tickets there will be, epics included.
    """
    pieces = by_section([unit for unit in units if unit.role is Role.REQUIREMENT])
    headings = shorten("; ".join(chapters(pieces)), 800)
    wanted = epic_count(expected, pieces) if job.include_epics else 0
    wanted = min(wanted, len(pieces), (job.ticket_count or job.max_ticket_count) - 1)
    if not wanted:
        return Outline("", [], [], headings)
    parts = [[pieces[place] for place in share] for share in shares(pieces, wanted)]
    summary, written = _asked(job, parts, calls)
    texts = written if len(written) == len(parts) else [TicketDraft("epic", "", "", [])] * wanted
    epics = [_epic(text, part, job, book) for text, part in zip(texts, parts, strict=True)]
    begins = [part[0].units[0].sentence.number for part in parts]
    return Outline(summary, epics, begins, headings)


def _asked(
    job: GenerationJob, parts: list[list[Piece]], calls: Calls
) -> tuple[str, list[TicketDraft]]:
    """The model's summary and epics; none when its answer is of no use, as the headings will do."""
    depth = shape.DEPTHS[job.output_detail]
    schema, answer_tokens = shape.epics(depth, len(parts))
    messages = _messages(job, parts, calls, answer_tokens)
    if messages is None:
        calls.journal.repair("outline too long for the model", done="epics made of headings")
        return "", []
    try:
        reply = calls.ask(messages, schema, answer_tokens, purpose="plan the epics", prompt=PROMPT)
        return read_outline(finished(parse(reply.text), schema, calls.journal))
    except (UnusableError, NoJsonError, TooLongError) as fault:
        calls.journal.repair("epics unusable", done=f"made of headings: {fault}")
        return "", []


def _messages(
    job: GenerationJob,
    parts: list[list[Piece]],
    calls: Calls,
    answer_tokens: int,
) -> list[Message] | None:
    """The question, with as much of each part as fits; None where nothing does."""
    for sentences, length in _SHOWN:
        told = "\n".join(
            _told(number, part, sentences, length) for number, part in enumerate(parts, 1)
        )
        messages = question(job, "outline", parts=fenced(told), count=len(parts))
        if calls.room(messages) >= answer_tokens:
            return messages
    return None


def _told(number: int, part: list[Piece], sentences: int, length: int) -> str:
    headings = "; ".join(chapters(part)[:_HEADINGS])
    units = [unit for piece in part for unit in piece.units]
    step = max(1, len(units) // sentences) if sentences else 1
    shown = [f"- {shorten(unit.text, length)}" for unit in units[::step][:sentences]]
    return "\n".join([f"Part {number}: {shorten(headings, 300)}", *shown])


def _epic(
    written: TicketDraft, part: list[Piece], job: GenerationJob, book: Phrasebook
) -> TicketDraft:
    """An epic as the model has written it, called by the part's headings if it has no title."""
    headings = chapters(part)
    title = together(telling(headings), book) if headings else job.name
    return replace(
        written,
        title=title if is_blank(written.title) else written.title,
        component=headings[0] if headings else "",
    )


def under_epics(plan: Outline, tickets: Drafts, units: list[Unit]) -> Drafts:
    """The epics of an outline with the tickets of all batches under them.

    A ticket belongs to the epic of the part that its first cited sentence is in.

    Args:
        plan: The outline.
        tickets: No epics.
        units: The spec's sentences.
    """
    if not plan.epics:
        tickets.summary = plan.summary or tickets.summary
        return tickets
    numbers = {unit.sentence.start: unit.sentence.number for unit in units}
    whole = Drafts(plan.summary, plan.epics)
    last = plan.begins[0]
    for ticket in tickets.tickets:
        cited = [numbers[start] for start, _ in ticket.spans if start in numbers]
        # One that cites nothing stands beside those before it.
        last = min(cited, default=last)
        ticket.parent = plan.epic_of(last) - len(plan.epics)  # moved along with the rest
    whole.append(tickets)
    return whole
