"""Tickets that code cannot mend, written again by the model: only those, and only once."""

import json

from worker.generation import checks, shape
from worker.generation.answer import NoJsonError, parse
from worker.generation.batches import Batch, numbered
from worker.generation.calls import Calls, Message
from worker.generation.draft import Drafts, TicketDraft
from worker.generation.endings import finished
from worker.generation.job import GenerationError, GenerationJob, is_the_models
from worker.generation.prompts import fenced
from worker.generation.question import PROMPT, question
from worker.generation.reading import NoTicketsError, read
from worker.generation.text import shorten

_LONGEST_TICKET = 600


def rewrite(
    job: GenerationJob, batch: Batch, found: Drafts, bad: dict[int, list[str]], calls: Calls
) -> None:
    """Asks for the bad tickets alone; an answer of no use leaves them as they are.

    Args:
        job: What the tickets are for.
        batch: What they were written about.
        found: Changed in place.
        bad: What is wrong with each, by its place.
        calls: The model.
    """
    batch = _cited(batch, [found.tickets[place] for place in bad])
    for place, ticket in zip(bad, _again(job, batch, found, bad, calls), strict=False):
        checks.repair(ticket, batch.sentences, batch.requirements, calls.journal)
        if not checks.problems(ticket, batch.sentences):
            done = "written again by the model"
            calls.journal.repair(bad[place][0], ticket=ticket.title, done=done)
            _replace_text(found.tickets[place], ticket)


def _again(
    job: GenerationJob, batch: Batch, found: Drafts, bad: dict[int, list[str]], calls: Calls
) -> list[TicketDraft]:
    """The bad tickets as the model writes them now, in order; none where it fails."""
    depth = shape.DEPTHS[job.output_detail]
    numbers = [sentence.number for sentence in batch.sentences]
    schema, answer_tokens = shape.rewritten(depth, numbers, len(bad))
    messages = _messages(job, batch, found, bad)
    if calls.room(messages) < answer_tokens:
        return []
    purpose = f"{len(bad)} tickets again"
    try:
        reply = calls.ask(messages, schema, answer_tokens, purpose=purpose, prompt=PROMPT)
        answer = finished(parse(reply.text), schema, calls.journal)
        return read(answer, batch.sentences).tickets
    except (NoJsonError, NoTicketsError, GenerationError) as fault:
        if isinstance(fault, GenerationError) and not is_the_models(fault):
            raise
        calls.journal.repair("tickets again unusable", done=f"left as they were: {fault}")
        return []


def _cited(batch: Batch, tickets: list[TicketDraft]) -> Batch:
    """The sections that the tickets cite; all where one of them cites nothing."""
    if not all(ticket.spans for ticket in tickets):
        return batch
    spans = {span for ticket in tickets for span in ticket.spans}
    parts = [part for part in batch.parts if any(one.span in spans for one in part[1])]
    numbers = {sentence.number for _, sentences in parts for sentence in sentences}
    return batch.only(numbers, count=batch.count, most=batch.most) if numbers else batch


def _messages(
    job: GenerationJob,
    batch: Batch,
    found: Drafts,
    bad: dict[int, list[str]],
) -> list[Message]:
    """Shows the bad tickets with what is wrong with each, and the sentences."""
    tickets = "\n".join(
        f"{number}. {_shown(found.tickets[place])}\n   Fault: {'; '.join(problems)}."
        for number, (place, problems) in enumerate(bad.items(), 1)
    )
    fewest, most = shape.DEPTHS[job.output_detail].criteria
    return question(
        job,
        "rewrite",
        spec=numbered(batch),
        tickets=tickets,
        count=len(bad),
        criteria=f"{fewest} to {most}",
    )


def _shown(ticket: TicketDraft) -> str:
    told = {"title": ticket.title, "description": ticket.description, "criteria": ticket.criteria}
    return shorten(fenced(json.dumps(told, ensure_ascii=False)), _LONGEST_TICKET)


def _replace_text(ticket: TicketDraft, better: TicketDraft) -> None:
    ticket.title, ticket.description = better.title, better.description
    ticket.criteria, ticket.spans = better.criteria, better.spans
