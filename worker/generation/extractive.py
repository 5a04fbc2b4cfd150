"""Tickets that are made of the spec's own sentences; the model only chooses.

The plan says which requirements belong to which ticket, so that none is lost
and the count is right whatever the model does. The model chooses among titles,
types, priorities and leading sentences, each of which would do.
"""

from collections.abc import Callable

from tickets.lifecycle import Stage
from worker.generation import epics, signals, stated
from worker.generation.calls import Calls
from worker.generation.choosing import Choice, choose, first_choice
from worker.generation.descriptions import describe
from worker.generation.draft import (
    LEVELS,
    LONGEST_LABEL,
    LONGEST_TITLE,
    MOST_CRITERIA,
    UNAIDED,
    Drafts,
    QuestionDraft,
    RiskDraft,
    TicketDraft,
)
from worker.generation.grounding import component
from worker.generation.headings import names_in, together
from worker.generation.job import GenerationJob
from worker.generation.lines import Form
from worker.generation.nouns import speaks_of_people
from worker.generation.order import about, dependencies, vocabulary
from worker.generation.phrasebook import Phrasebook, english
from worker.generation.pieces import Piece, arranged, by_section, chapter_of, chapters
from worker.generation.plan import Plan, plan
from worker.generation.roles import Role, Unit, as_requirement, opening
from worker.generation.spec import Spec
from worker.generation.text import clipped
from worker.generation.titles import titles
from worker.generation.topics import GENERIC

Report = Callable[[Stage, str], None]

# Of a heading, which is a name; what a model writes as a label may be a sentence (see `checks`).
_LABEL_WORDS = 4
_ASKS_NOTHING = {"why?", "why not?", "how?", "what?", "really?", "ok?", "?", "tbd", "tbd."}
_POINTS = ((2, 1), (3.5, 2), (6, 3), (10, 5))

Chooser = Callable[[Piece, list[str]], Choice]


def write(job: GenerationJob, spec: Spec, calls: Calls, report: Report, book: Phrasebook) -> Drafts:
    """The drafts for a job, exactly as many as the plan says."""
    planned = plan(
        spec,
        count=job.ticket_count,
        most=job.max_ticket_count,
        include_epics=job.include_epics,
    )
    total = len(planned.pieces) + len(planned.epics)

    def chosen(piece: Piece, possible: list[str]) -> Choice:
        place = planned.pieces.index(piece)
        report(Stage.GENERATING_TICKETS, f"ticket {place + 1} of {total}")
        return choose(piece, possible, calls)

    tickets = _tickets(planned, job.output_detail, book, chosen)
    for place, others in dependencies(planned.pieces).items():
        tickets[place].after += others
    drafts = Drafts(opening(planned.units) or job.name, tickets, *_notes(planned))
    return _with_epics(drafts, planned, job, book)


def unaided(
    units: list[Unit], numbers: set[int], count: int, detail: str, book: Phrasebook
) -> list[TicketDraft]:
    """So many tickets made of the spec's own sentences alone, where a model has failed.

    Args:
        units: All sentences of the spec.
        numbers: Of those to make them of.
        count: How many.
        detail: The contract's `output_detail`.
        book: What code says, in the language of the spec.
    """
    own = [unit for unit in units if unit.sentence.number in numbers]
    if not any(unit.role is Role.REQUIREMENT for unit in own):
        own = [as_requirement(unit) for unit in own]
    planned = Plan(units, arranged(by_section(own), count, among=units))
    tickets = _tickets(
        planned, detail, book, lambda piece, possible: first_choice(piece, possible[0])
    )
    for ticket in tickets:
        ticket.confidence = min(ticket.confidence or 0.0, UNAIDED)
    return tickets


def _tickets(planned: Plan, detail: str, book: Phrasebook, chosen: Chooser) -> list[TicketDraft]:
    names = names_in(unit.text for unit in planned.units)
    whole = _whole(planned)
    tickets: list[TicketDraft] = []
    for piece in planned.pieces:
        if piece.base is not None:
            tickets.append(_facet_ticket(piece, tickets[piece.base], book))
            continue
        taken = {ticket.title for ticket in tickets}
        possible = titles(piece, names, whole=whole, english=book is english())
        new = [title for title in possible if title not in taken]
        tickets.append(_ticket(piece, planned, chosen(piece, new or possible), detail, book))
    return tickets


def _whole(planned: Plan) -> str:
    """The heading that all of several pieces stand under; empty where there is none."""
    tops = {(*section.path, section.heading)[0] for p in planned.pieces for section in p.sections}
    return tops.pop() if len(tops) == 1 < len(planned.pieces) else ""


def _ticket(
    piece: Piece, planned: Plan, choice: Choice, detail: str, book: Phrasebook
) -> TicketDraft:
    texts = [unit.text for unit in piece.units]
    return TicketDraft(
        kind=_kind(piece, choice.title),
        title=choice.title,
        description=describe(planned, choice.lead, detail, book),
        criteria=[unit.told for unit in piece.units],
        labels=_labels(piece),
        points=_points(texts),
        priority=stated.priority(piece.told)
        or stated.weight(choice.lead.section.heading)
        or signals.priority(texts),
        component=component(choice.lead.section),
        confidence=_confidence(piece, chosen=choice.by_model),
        spans=[unit.sentence.span for unit in piece.units],
    )


def _kind(piece: Piece, title: str) -> str:
    if said := stated.kind(piece.told):
        return said
    texts = [unit.text for unit in piece.units]
    if sum(unit.is_fault for unit in piece.units) * 2 > len(texts):
        return "bug"
    if len(texts) == 1 and signals.speaks_of_inquiry(texts[0]):
        return "spike"
    told = [unit.text for unit in piece.units if unit.sentence.form not in {Form.ROW, Form.CODE}]
    people = list(map(speaks_of_people, told))
    if any(signals.is_story(text) for text in texts):
        return "story"
    gained = title.startswith("Let ") or any(people[:1]) or 2 * sum(people) > len(people)
    return "story" if gained else "task"


def _labels(piece: Piece) -> list[str]:
    return _short(chapters([piece]))[:2]


def _short(headings: list[str]) -> list[str]:
    """The headings that are words rather than texts, as labels."""
    return [
        heading.lower()
        for heading in headings
        if len(heading) <= LONGEST_LABEL and len(heading.split()) <= _LABEL_WORDS
    ]


def _points(texts: list[str]) -> int:
    """Effort by the number of requirements and their length, as a Fibonacci number."""
    size = len(texts) + sum(map(len, texts)) / 200
    return next((points for limit, points in _POINTS if size < limit), 8)


def _confidence(piece: Piece, *, chosen: bool) -> float:
    """How far the ticket can be trusted, from 0 to 1.

    Half of it from the start, as every word is the spec's. More when the model
    could choose, for the share of requirements that are worded as such, and
    when the ticket holds a section as a whole; less when it mixes sections.
    """
    strong = sum(signals.is_strong(unit.text) for unit in piece.units) / len(piece.units)
    mixed = 0.05 * (len(piece.sections) - 1)
    return max(0.3, 0.5 + 0.1 * chosen + 0.2 * strong + 0.15 * piece.whole - mixed)


def _facet_ticket(piece: Piece, base: TicketDraft, book: Phrasebook) -> TicketDraft:
    step = book.facet(piece.facet)
    return TicketDraft(
        kind=step.kind,
        title=f"{step.step}: {base.title}",
        description=book.further.format(base.title),
        criteria=[f"{step.criterion}: {criterion}" for criterion in base.criteria],
        labels=list(base.labels),
        after=[piece.base] if piece.base is not None else [],
        points=1,
        priority="low",
        component=base.component,
        confidence=0.2,
        spans=list(base.spans),
    )


def _notes(planned: Plan) -> tuple[list[RiskDraft], list[QuestionDraft]]:
    """The risks and open questions that the spec itself names."""
    risks, questions = [], []
    known = vocabulary(planned.pieces)
    for unit in planned.units:
        if unit.role not in {Role.RISK, Role.QUESTION}:
            continue
        related = about(unit.text, known)
        if unit.role is Role.RISK:
            risks.append(RiskDraft(unit.text, signals.severity(unit.text), related))
        elif unit.text.lower() not in _ASKS_NOTHING:
            questions.append(QuestionDraft(unit.text, related))
    return risks, questions


def _with_epics(drafts: Drafts, planned: Plan, job: GenerationJob, book: Phrasebook) -> Drafts:
    """The drafts with their epics in front."""
    own = [_epic(share, planned, drafts.tickets, job, book) for share in planned.epics]
    whole = Drafts("", own)
    for number, share in enumerate(planned.epics):
        for place in share:
            drafts.tickets[place].parent = number - len(own)  # moved along with the rest
    whole.append(drafts)
    return whole


def _named(planned: Plan, share: range) -> list[str]:
    """What an epic holds, without what names nothing, unless most of it stands there."""
    held = _held(planned, share)
    named = [name for name in held if not GENERIC.fullmatch(name)]
    telling = sum(not set(named).isdisjoint(_names(planned.pieces[at])) for at in share)
    return named if 2 * telling >= len(share) else held


def _names(piece: Piece) -> set[str]:
    """The headings above a piece, and its own."""
    return {name for section in piece.sections for name in (*section.path, section.name)}


def _held(planned: Plan, share: range) -> list[str]:
    """The chapters that an epic holds as a whole and that have names; else its sections."""
    chapter = chapter_of(planned.pieces)
    held = dict.fromkeys(chapter[place] for place in share)
    sections = chapters(planned.pieces[place] for place in share)
    torn = {chapter[place] for place in range(len(chapter)) if place not in share} & held.keys()
    nameless = any(not name or GENERIC.fullmatch(name) for name in held)
    told = sections if torn or (nameless and len(sections) > len(held)) else held
    return [name for name in told if name] or sections


def _names_nothing(headings: list[str]) -> bool:
    return all(map(GENERIC.fullmatch, headings))


def _title(work: str, held: str, *, nameless: list[range], share: range) -> str:
    """What an epic is called: the whole work where what it holds has no name, told from others."""
    if share not in nameless:
        return held
    return work if len(nameless) == 1 else clipped(f"{work}: {held}", LONGEST_TITLE)


def _epic(
    share: range, planned: Plan, tickets: list[TicketDraft], job: GenerationJob, book: Phrasebook
) -> TicketDraft:
    """An epic for neighbouring pieces; one alone stands for the whole work and its goals."""
    own = [tickets[place] for place in share]
    headings = _named(planned, share)
    alone = len(planned.epics) == 1
    goals = [unit.text for unit in planned.units if unit.role is Role.GOAL] if alone else []
    title = job.name.rstrip(".")
    if not alone and headings:
        nameless = [part for part in planned.epics if _names_nothing(_named(planned, part))]
        title = _title(title, together(headings, book), nameless=nameless, share=share)
    told = epics.holding(title, own)
    said = opening(planned.units) if alone else ""
    return TicketDraft(
        kind="epic",
        title=title,
        description="\n\n".join(part for part in (said, told) if part),
        criteria=[*goals, *epics.done(own, book)][:MOST_CRITERIA],
        labels=_short(headings)[:3],
        priority=_highest(own),
        component=headings[0] if headings and not alone else "",
        spans=[span for ticket in own for span in ticket.spans],
    )


def _highest(tickets: list[TicketDraft]) -> str:
    return max(
        (t.priority for t in tickets if t.priority in LEVELS), key=LEVELS.index, default="medium"
    )
