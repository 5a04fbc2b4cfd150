"""Tickets that the model writes: as few calls as the context allows, checked and mended.

A batch is a stretch of the spec and the number of tickets to make of it. One
that does not fit, or whose answer is cut off, is halved; never the same call
twice.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tickets.errors import JobErrorCode
from tickets.lifecycle import Stage
from worker.generation import shape
from worker.generation.answer import NoJsonError, parse
from worker.generation.calls import Calls, Message, estimate
from worker.generation.draft import Drafts
from worker.generation.job import GenerationError, GenerationJob
from worker.generation.plan import needed
from worker.generation.prompts import load
from worker.generation.reading import NoTicketsError, read
from worker.generation.spec import Section, Sentence, Spec
from worker.generation.text import one_line, shorten
from worker.ollama import RefusedError, Reply

Report = Callable[[Stage, str], None]

# Answers that may be asked for again, in one attempt at a job.
_REPAIRS = 3
_LONGEST_COMPLAINT = 4000


@dataclass(frozen=True, slots=True)
class _Batch:
    """A part of the work.

    Attributes:
        parts: The sections, or pieces of them, to make tickets of.
        count: Exactly so many tickets, epics included; None: as many as needed.
        most: Never more than this many.
    """

    parts: tuple[tuple[Section, tuple[Sentence, ...]], ...]
    count: int | None
    most: int

    @property
    def sentences(self) -> list[Sentence]:
        return [sentence for _, sentences in self.parts for sentence in sentences]


class _Writer:
    """One attempt: what is written so far, and how many repairs are left."""

    def __init__(self, job: GenerationJob, calls: Calls, report: Report) -> None:
        self._job = job
        self._calls = calls
        self._report = report
        self._prompt = load("freeform")
        self._repairs = _REPAIRS
        self.drafts = Drafts(summary="", tickets=[])

    def write(self, batch: _Batch) -> None:
        """Adds the tickets of a batch to the drafts."""
        ask = self._shape(batch)
        messages = self._messages(batch, ask)
        room = self._calls.model.window - estimate(messages)
        if room < ask.tokens and (halves := _halves(batch)):
            self._write_each(halves)
            return
        if room < shape.FEWEST_TOKENS:
            raise _invalid("the spec does not fit into the model's context")
        try:
            self._answer(batch, ask, messages, min(room, ask.tokens * 2))
        except _CutOffError:
            halves = _halves(batch)
            if not halves:
                raise _invalid("the model's answer was cut off at its length limit") from None
            self._write_each(halves)

    def _write_each(self, batches: list[_Batch]) -> None:
        for batch in batches:
            self.write(batch)

    def _answer(
        self, batch: _Batch, ask: shape.Shape, messages: list[Message], answer_tokens: int
    ) -> None:
        """Asks until an answer can be used, and takes it in."""
        written = len(self.drafts.tickets)
        total = f" of {self._job.ticket_count}" if self._job.ticket_count else ""
        self._report(Stage.GENERATING_TICKETS, f"ticket {written + 1}{total}")
        purpose = f"tickets of {len(batch.sentences)} sentences"
        while True:
            reply = self._call(messages, ask, answer_tokens, purpose)
            if reply.finish_reason == "length":
                raise _CutOffError
            try:
                found = read(parse(reply.text), batch.sentences)
                break
            except (NoJsonError, NoTicketsError) as fault:
                self._spend_repair(str(fault))
                messages = self._complaint(messages, reply, str(fault))
                purpose = f"again, as {fault}"
        self._take(batch, found)

    def _call(
        self, messages: list[Message], ask: shape.Shape, answer_tokens: int, purpose: str
    ) -> Reply:
        try:
            return self._calls.ask(
                messages, ask.schema, answer_tokens, purpose=purpose, prompt=self._prompt
            )
        except RefusedError as refusal:
            if refusal.over_context:
                raise _CutOffError from refusal
            raise

    def _take(self, batch: _Batch, found: Drafts) -> None:
        """Adds what was written; asks for what is missing, leaves out what is too much."""
        limit = batch.count or batch.most
        if len(found.tickets) > limit:
            found.keep(_fewer(found, limit))
        missing = (batch.count or 0) - len(found.tickets)
        self.drafts.append(found)
        if missing > 0:
            self._spend_repair(f"{missing} of {batch.count} tickets are missing")
            self.write(replace(batch, count=missing))

    def _spend_repair(self, problem: str) -> None:
        if self._repairs == 0:
            raise _invalid(f"the model's answers stay unusable: {problem}")
        self._repairs -= 1

    def _shape(self, batch: _Batch) -> shape.Shape:
        return shape.shape(
            count=batch.count,
            most=batch.most,
            expected=batch.count or needed(batch.sentences, most=batch.most),
            sentences=[sentence.number for sentence in batch.sentences],
            include_epics=self._job.include_epics and not self.drafts.tickets,
            detail=self._job.output_detail,
        )

    def _messages(self, batch: _Batch, ask: shape.Shape) -> list[Message]:
        fill = self._prompt.fill
        existing = [ticket.title for ticket in self.drafts.tickets]
        titles = "\n".join(f"- {title}" for title in existing)
        user = fill(
            "user",
            title=shorten(one_line(self._job.title), 200),
            spec=_numbered(batch),
            existing=f"\n{fill('existing', titles=titles)}\n" if existing else "",
            shape=ask.words(self._prompt),
        )
        return [
            {"role": "system", "content": fill("system", sentences=ask.depth.sentences)},
            {"role": "user", "content": user},
        ]

    def _complaint(self, messages: list[Message], reply: Reply, problem: str) -> list[Message]:
        """The same question with the answer that was wrong, and what is wrong with it."""
        return [
            *messages[:2],
            {"role": "assistant", "content": reply.text[:_LONGEST_COMPLAINT]},
            {"role": "user", "content": self._prompt.fill("again", problems=f"- {problem}")},
        ]


class _CutOffError(Exception):
    """The batch is too large for one answer."""


def write(job: GenerationJob, spec: Spec, calls: Calls, report: Report) -> Drafts:
    """The drafts that the model writes for a job.

    Raises:
        GenerationError: It cannot, within the repairs that are allowed.
    """
    writer = _Writer(job, calls, report)
    parts = tuple((section, section.sentences) for section in spec.sections)
    writer.write(_Batch(parts, job.ticket_count, job.max_ticket_count))
    return writer.drafts


_FENCE = re.compile(r"<(/?\s*spec\s*)>", re.IGNORECASE)


def _numbered(batch: _Batch) -> str:
    """The batch's text with its sentences numbered; nothing in it can end its fence."""
    lines: list[str] = []
    for section, sentences in batch.parts:
        if section.heading:
            lines += ["", " > ".join([*section.path, section.heading])]
        lines += [f"[{sentence.number}] {sentence.text}" for sentence in sentences]
    return _FENCE.sub(r"(\1)", "\n".join(lines).strip())


def _halves(batch: _Batch) -> list[_Batch]:
    """The batch as two of half the size; empty when it cannot be halved."""
    if batch.most < 2 or batch.count == 1:  # noqa: PLR2004 - two halves of a ticket each
        return []
    first, second = _halved_parts(batch)
    size = max(len(batch.sentences), 1)
    share = sum(len(sentences) for _, sentences in first) / size if first != second else 0.5
    most = min(max(round(batch.most * share), 1), batch.most - 1)
    if batch.count is None:
        return [
            replace(batch, parts=first, most=most),
            replace(batch, parts=second, most=batch.most - most),
        ]
    count = min(max(round(batch.count * share), 1), batch.count - 1)
    return [
        _Batch(first, count, count),
        _Batch(second, batch.count - count, batch.count - count),
    ]


_Parts = tuple[tuple[Section, tuple[Sentence, ...]], ...]


def _halved_parts(batch: _Batch) -> tuple[_Parts, _Parts]:
    """Cut between sections where that is near the middle; else within one; else not at all."""
    total = sum(len(sentence.text) for sentence in batch.sentences)
    if len(batch.sentences) < 2:  # noqa: PLR2004 - one sentence is not cut
        return batch.parts, batch.parts
    first: list[tuple[Section, tuple[Sentence, ...]]] = []
    second: list[tuple[Section, tuple[Sentence, ...]]] = []
    seen = 0
    for section, sentences in batch.parts:
        early = []
        for sentence in sentences:
            if seen * 2 < total and sentence is not batch.sentences[-1]:
                early.append(sentence)
            seen += len(sentence.text)
        late = sentences[len(early) :]
        if early:
            first.append((section, tuple(early)))
        if late:
            second.append((section, late))
    return tuple(first), tuple(second)


def _fewer(drafts: Drafts, limit: int) -> list[int]:
    """The places of the tickets to keep: the first ones, and epics only with theirs."""
    kept: list[int] = []
    for place, ticket in enumerate(drafts.tickets):
        if ticket.kind == "epic":
            continue
        new_epic = ticket.parent is not None and ticket.parent not in kept
        if len(kept) + 1 + new_epic <= limit:
            kept += [ticket.parent, place] if new_epic and ticket.parent is not None else [place]
    spare = [place for place in range(len(drafts.tickets)) if place not in kept]
    return sorted(kept + spare[: limit - len(kept)])


def _invalid(message: str) -> GenerationError:
    return GenerationError(JobErrorCode.MODEL_OUTPUT_INVALID, message, retryable=False)
