"""A batch's tickets, written by the model: asked for, checked, and asked for again where they fail.

Never the same call twice: an answer that was cut off or ran into a loop is
asked for in smaller batches, and a wrong one with what is wrong.
"""

import threading
from collections.abc import Callable, Sequence

from tickets.lifecycle import Stage
from worker.generation import checks, notes, shape
from worker.generation.answer import NoJsonError, is_whole, parse
from worker.generation.batches import Batch, divided, halved, numbered
from worker.generation.budget import Budget
from worker.generation.calls import Calls, Message, TooLongError
from worker.generation.draft import Drafts
from worker.generation.endings import finished
from worker.generation.job import GenerationError, GenerationJob, is_the_models, unusable
from worker.generation.journal import Journal
from worker.generation.lengths import Lengths
from worker.generation.prompts import fenced
from worker.generation.question import PROMPT, question
from worker.generation.reading import NoTicketsError, read
from worker.generation.rewriting import rewrite
from worker.generation.text import folded
from worker.ollama import Reply, UnusableError

Report = Callable[[Stage, str], None]

_LONGEST_COMPLAINT = 4000
# For a model that has run into a loop with the likeliest words.
_OTHER_WORDS = 0.7
# Each time that it answers a complaint just as before.
_WARMER = 0.4


class CutOffError(Exception):
    """The answer has reached its length limit."""


class TooMuchError(Exception):
    """The whole spec is too much for one call, as the call has shown."""


class Writer:
    """Writes the batches of one job. Safe to share between threads.

    Attributes:
        headings: What else the spec speaks of; set for a spec in several batches.
    """

    def __init__(self, job: GenerationJob, calls: Calls, budget: Budget, report: Report) -> None:
        self.headings = ""
        self._job = job
        self._calls = calls
        self._budget = budget
        self._report = report
        self._lengths = Lengths(shape.DEPTHS[job.output_detail].tokens)
        self._lock = threading.Lock()
        self._written = 0

    def fits(self, batch: Batch) -> bool:
        """Whether a batch and its answer fit into one call."""
        # Most that do not are far too long: that is known without numbers and instructions.
        text = "\n".join(sentence.text for sentence in batch.sentences)
        if not batch.shown and self._calls.room([{"content": text}]) < 0:
            return False
        ask = self._shape(batch)
        return self._calls.room(self._messages(batch, ask, ())) >= ask.tokens

    def write(self, batch: Batch, existing: Sequence[str] = ()) -> Drafts:
        """The tickets of a batch: as many as it asks for, or fewer where the model gives no more.

        Args:
            batch: A stretch of the spec.
            existing: Titles of tickets that are there already.

        Raises:
            TooMuchError: The whole spec has to be planned as several batches.
            GenerationError: The model cannot, within the repairs that are allowed.
        """
        try:
            found = self._answered(batch, existing)
        except (TooLongError, CutOffError, UnusableError) as fault:
            halves = self._smaller(batch, fault)
            if halves and batch.whole:
                raise TooMuchError from fault
            if halves:
                return self._each(halves, existing)
            found = self._last_try(batch, existing, fault)
        return self._counted(batch, self._checked(batch, found), existing)

    def _each(self, batches: list[Batch], existing: Sequence[str]) -> Drafts:
        drafts = Drafts("", [])
        for batch in batches:
            drafts.append(self.write(batch, [*existing, *(t.title for t in drafts.tickets)]))
        return drafts

    def _smaller(self, batch: Batch, fault: Exception) -> list[Batch]:
        """What to ask for instead; empty when the batch cannot be made smaller."""
        if isinstance(fault, (TooLongError, CutOffError)):
            parts = divided(batch, self.fits) or []
            if parts and parts != [batch]:
                return parts
        return halved(batch)

    def _last_try(self, batch: Batch, existing: Sequence[str], fault: Exception) -> Drafts:
        """A single ticket's batch once more: with more room, or with less likely words."""
        if isinstance(fault, TooLongError):
            raise fault
        try:
            if isinstance(fault, CutOffError):
                ask = self._shape(batch)
                room = self._calls.room(self._messages(batch, ask, existing))
                if room <= ask.limit:
                    raise fault
                return self._answered(batch, existing, answer_tokens=room)
            self._budget.require(str(fault))
            self._calls.journal.repair("answer broke off", done="asked for with other words")
            return self._answered(batch, existing, temperature=_OTHER_WORDS)
        except CutOffError:
            raise unusable("the model's answer was cut off at its length limit") from None

    def _answered(
        self,
        batch: Batch,
        existing: Sequence[str],
        *,
        answer_tokens: int = 0,
        temperature: float = 0.0,
    ) -> Drafts:
        """Asks until an answer can be read."""
        ask = self._shape(batch)
        messages = self._messages(batch, ask, existing)
        if self._calls.room(messages) < shape.FEWEST_TOKENS:
            raise TooLongError
        purpose = f"tickets of {len(batch.sentences)} sentences"
        self._tell()
        while True:
            reply = self._calls.ask(
                messages,
                ask.schema,
                min(answer_tokens or ask.limit, self._calls.room(messages)),
                purpose=purpose,
                prompt=PROMPT,
                temperature=temperature,
            )
            try:
                return self._read(reply, ask, batch)
            except (NoJsonError, NoTicketsError) as fault:
                self._budget.require(str(fault))
                self._calls.journal.repair("answer unreadable", done=f"asked again: {fault}")
                again = self._complaint(messages, reply, str(fault))
                if again == messages:
                    temperature = min(temperature + _WARMER, 1.0)
                messages = again
                purpose = f"again, as {fault}"

    def _read(self, reply: Reply, ask: shape.Shape, batch: Batch) -> Drafts:
        self._lengths.observe(reply)
        if reply.finish_reason == "length" and not is_whole(reply.text):
            raise CutOffError
        answer = finished(parse(reply.text), ask.schema, self._calls.journal)
        return read(answer, batch.sentences)

    def _tell(self) -> None:
        total = f" of {self._job.ticket_count}" if self._job.ticket_count else ""
        self._report(Stage.GENERATING_TICKETS, f"ticket {self._written + 1}{total}")

    def _checked(self, batch: Batch, found: Drafts) -> Drafts:
        """The drafts, mended by code; those that it cannot mend are written again, once."""
        if not (batch.whole and self._job.include_epics):
            _drop_epics(found, self._calls.journal)
        notes.drop_empty(found, self._calls.journal)
        if not batch.whole or len(found.tickets) > 1:
            _drop_names(found, self._job.title)
        bad: dict[int, list[str]] = {}
        for place, ticket in enumerate(found.tickets):
            if ticket.kind != "epic":
                checks.repair(ticket, batch.sentences, batch.requirements, self._calls.journal)
                if problems := checks.problems(ticket, batch.sentences):
                    bad[place] = problems
        if bad and self._budget.take():
            rewrite(self._job, batch, found, bad, self._calls)
        checks.fill_blank(found.tickets, batch.requirements, self._calls.journal)
        for place in bad:
            checks.put_in_own_words(found.tickets[place], batch.sentences, self._calls.journal)
            for problem in checks.problems(found.tickets[place], batch.sentences):
                self._calls.journal.repair(problem, ticket=found.tickets[place].title)
        return found

    def _counted(self, batch: Batch, found: Drafts, existing: Sequence[str]) -> Drafts:
        """Leaves out what is too much, asks for what is missing."""
        limit = batch.count or batch.most
        if len(found.tickets) > limit:
            self._calls.journal.repair("too many tickets", done=f"kept {limit}")
            found.keep(_fewer(found, limit))
        with self._lock:
            self._written += len(found.tickets)
        missing = (batch.count or 0) - len(found.tickets)
        if missing > 0 and self._budget.take():
            self._calls.journal.repair("too few tickets", done=f"asked for {missing} more")
            titles = [*existing, *(ticket.title for ticket in found.tickets)]
            try:
                found.append(self.write(_rest(batch, found, missing), titles))
            except GenerationError as fault:
                if not is_the_models(fault):
                    raise
                self._calls.journal.repair("too few tickets", done=f"none came, as {fault.message}")
        return found

    def _shape(self, batch: Batch) -> shape.Shape:
        return shape.shape(
            count=batch.count,
            most=batch.most,
            expected=batch.expected,
            sentences=[sentence.number for sentence in batch.sentences],
            whole=batch.whole,
            include_epics=self._job.include_epics and batch.whole,
            detail=self._job.output_detail,
            ticket_tokens=self._lengths.tokens,
        )

    def _messages(self, batch: Batch, ask: shape.Shape, existing: Sequence[str]) -> list[Message]:
        titles = "\n".join(f"- {title}" for title in existing)
        part = PROMPT.fill("part", headings=fenced(self.headings)) if self.headings else ""
        return question(
            self._job,
            "user",
            context=f"\n{part}\n" if part else "",
            spec=numbered(batch),
            existing=f"\n{PROMPT.fill('existing', titles=titles)}\n" if existing else "",
            shape=ask.words(PROMPT),
        )

    def _complaint(self, messages: list[Message], reply: Reply, problem: str) -> list[Message]:
        """The same question with the answer that was wrong, and what is wrong with it."""
        wrong = {"role": "assistant", "content": reply.text[:_LONGEST_COMPLAINT]}
        again = {"role": "user", "content": PROMPT.fill("again", problems=f"- {problem}")}
        with_answer = [*messages[:2], wrong, again]
        if self._calls.room(with_answer) >= shape.FEWEST_TOKENS * 2:
            return with_answer
        return [*messages[:2], again]


def _drop_epics(found: Drafts, journal: Journal) -> None:
    """Leaves out epics that were not asked for, unless there is nothing else."""
    leaves = [place for place, ticket in enumerate(found.tickets) if ticket.kind != "epic"]
    if leaves and len(leaves) < len(found.tickets):
        journal.repair("epic unwanted", done="left out")
        found.keep(leaves)


def _drop_names(found: Drafts, name: str) -> None:
    """Takes the name of the whole work from tickets that stand for a part of it."""
    for ticket in found.tickets:
        if ticket.kind != "epic" and folded(ticket.title) == folded(name):
            ticket.title = ""


def _rest(batch: Batch, found: Drafts, missing: int) -> Batch:
    """What the missing tickets are to be about: the sentences that are not cited yet."""
    cited = {span for ticket in found.tickets for span in ticket.spans}
    left = {one.number for one in batch.requirements if one.span not in cited}
    numbers = left or {one.number for one in batch.sentences}
    return batch.only(numbers, count=missing, most=missing)


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
