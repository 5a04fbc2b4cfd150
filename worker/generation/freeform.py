"""Tickets that a model writes: as few calls as the context allows, checked and mended.

A short spec takes one call. A long one is planned first: code says what its
requirements and parts are, the model writes an epic for each part, and then
batches of tickets, several at once where there are several servers. What no
ticket covers is asked for, put into a ticket, or asked about.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from copy import deepcopy
from dataclasses import replace
from functools import partial

from tickets.lifecycle import Stage
from worker.generation import checks, coverage, epics, notes, shape
from worker.generation.batches import Batch, Parts, divided, halved
from worker.generation.budget import Budget
from worker.generation.calls import Calls, TooLongError
from worker.generation.draft import Drafts, TicketDraft
from worker.generation.extractive import unaided
from worker.generation.grounding import ground
from worker.generation.job import GenerationError, GenerationJob, is_the_models, unusable
from worker.generation.merging import merge_twins, rename_alike, twins_left
from worker.generation.outline import outline, under_epics
from worker.generation.phrasebook import Phrasebook
from worker.generation.roles import Role, Unit, opening, sort
from worker.generation.similarity import gist, twins
from worker.generation.spec import Spec
from worker.generation.writing import TooMuchError, Writer

Report = Callable[[Stage, str], None]

# Calls may cost so many times what the tickets are expected to, mending included.
_MOST_TOKENS = 4
# Fewer requirements that no ticket covers are cheaper put into one than asked for.
_WORTH_A_CALL = 3


def write(job: GenerationJob, spec: Spec, calls: Calls, report: Report, book: Phrasebook) -> Drafts:
    """The drafts that the model writes for a job.

    Raises:
        GenerationError: It cannot, within the repairs that are allowed.
    """
    return _Run(job, spec, calls, report, book).drafts()


class _Run:
    """One attempt."""

    def __init__(
        self, job: GenerationJob, spec: Spec, calls: Calls, report: Report, book: Phrasebook
    ) -> None:
        self._job = job
        self._book = book
        self._calls = calls
        self._units = sort(spec)
        self._whole = Batch(
            parts=tuple((section, section.sentences) for section in spec.sections),
            required=frozenset(
                unit.sentence.number for unit in self._units if unit.role is Role.REQUIREMENT
            ),
            count=job.ticket_count,
            most=job.max_ticket_count,
            whole=True,
        )
        self._required = {one.span: one.number for one in self._whole.requirements}
        expected = self._whole.expected * shape.DEPTHS[job.output_detail].tokens
        self._budget = Budget(calls, tokens=_MOST_TOKENS * expected + 2000)
        self._writer = Writer(job, calls, self._budget, report)

    def drafts(self) -> Drafts:
        drafts = self._written()
        self._merge(drafts)
        left = self._more(drafts)
        epics.settle(drafts.tickets, self._calls.journal)
        # Before code adds to the tickets: their confidence is that in what the model has written.
        ground(drafts, self._units)
        checks.entitle(drafts.tickets, self._whole.requirements, self._calls.journal)
        rename_alike(drafts, self._whole.sentences, self._calls.journal)
        coverage.tell(drafts, self._units, self._calls.journal)
        notes.drop_restated(drafts, self._units, self._calls.journal)
        coverage.place(drafts, self._units, left, self._book, self._calls.journal)
        notes.add(drafts, self._units)
        name = self._job.name
        epics.complete_texts(drafts.tickets, name, self._book, self._calls.journal)
        drafts.summary = drafts.summary or opening(self._units)
        return drafts

    def _written(self) -> Drafts:
        if self._writer.fits(self._whole):
            try:
                return self._writer.write(self._whole)
            except TooMuchError:
                self._calls.journal.repair("one call is not enough", done="planned in batches")
                return self._planned(halves=True)
        return self._planned(halves=False)

    def _planned(self, *, halves: bool) -> Drafts:
        """The epics of an outline, and the tickets of all batches."""
        plan = outline(
            self._job, self._units, self._calls, self._book, expected=self._whole.expected
        )
        self._writer.headings = plan.headings
        held = len(plan.epics)
        leaves = replace(
            self._whole,
            parts=self._with_requirements(),
            count=self._job.ticket_count and self._job.ticket_count - held,
            most=self._job.max_ticket_count - held,
            whole=False,
        )
        wholes = (halved(leaves) if halves else []) or [leaves]
        batches = [part for whole in wholes for part in self._divided(whole)]
        self._budget.grow(len(batches))
        tickets = Drafts("", [])
        for found in self._all(batches):
            tickets.append(found)
        return under_epics(plan, tickets, self._units)

    def _with_requirements(self) -> Parts:
        """The sections that work comes from; the rest of a long spec costs more than it tells."""
        required = self._whole.required
        return tuple(
            part for part in self._whole.parts if any(one.number in required for one in part[1])
        )

    def _divided(self, batch: Batch) -> list[Batch]:
        found = divided(batch, self._writer.fits)
        if found is None:
            raise TooLongError
        return found

    def _all(self, batches: list[Batch]) -> list[Drafts]:
        """The tickets of each batch, in order; a few of no use are made up for, most are not."""
        with ThreadPoolExecutor(min(self._calls.provider.parallel, len(batches))) as pool:
            tasks = [pool.submit(self._attempted, batch) for batch in batches]
            wait(tasks, return_when=FIRST_EXCEPTION)
            faults = [fault for task in tasks if task.done() and (fault := task.exception())]
            if faults:
                pool.shutdown(wait=False, cancel_futures=True)
                self._calls.cancellation.request()
                raise faults[0]
            found = [task.result() for task in tasks]
        failed = [fault for fault in found if isinstance(fault, GenerationError)]
        if 2 * len(failed) > len(batches):
            raise failed[0]
        return [
            drafts if isinstance(drafts, Drafts) else self._made_up(batch, drafts)
            for batch, drafts in zip(batches, found, strict=True)
        ]

    def _attempted(self, batch: Batch) -> Drafts | GenerationError:
        try:
            return self._writer.write(batch)
        except GenerationError as fault:
            if is_the_models(fault):
                return fault
            raise

    def _made_up(self, batch: Batch, fault: GenerationError) -> Drafts:
        """The tickets of a batch in the spec's own words, when the model gives none."""
        self._calls.journal.repair("batch unusable", done=f"took the spec's words: {fault.message}")
        numbers = {sentence.number for sentence in batch.sentences}
        return Drafts("", self._unaided(numbers, batch.expected))

    def _unaided(self, numbers: set[int], count: int) -> list[TicketDraft]:
        return unaided(self._units, numbers, count, self._job.output_detail, self._book)

    def _merge(self, drafts: Drafts) -> None:
        """Merges twins and leaves out what is of no use.

        Where the count is exact, as many as the gaps ask for tickets; what is
        kept shares the sentences of another ticket.
        """
        journal = self._calls.journal
        count = self._job.ticket_count
        if count and 2 * len(drafts.tickets) < count:
            raise unusable(f"the model has written {len(drafts.tickets)} of {count} tickets")
        spare = len(coverage.uncovered(drafts, self._units, journal)) if count else 0
        least = count - spare if count else 1
        merge_twins(drafts, journal, least=least)
        epics.settle(drafts.tickets, journal)
        self._leave_out(drafts, len(drafts.tickets) - least)
        missing = count - len(drafts.tickets) if count else 0
        if missing > 0:
            self._fill(drafts, missing)
        for group in twins_left(drafts):
            self._part(drafts, "ticket twice", group)
        for rule, place in self._useless(drafts):
            self._part(drafts, rule, [self._largest(drafts), place])

    def _useless(self, drafts: Drafts) -> list[tuple[str, int]]:
        """The places of the tickets that hold nothing, or are about what the spec rules out."""
        outside = coverage.citing_only(drafts, self._units, Role.OUTSIDE)
        empty = [
            place
            for place, ticket in enumerate(drafts.tickets)
            if ticket.kind != "epic" and checks.is_empty(ticket)
        ]
        return [
            *(("ticket empty", place) for place in empty),
            *(("ticket out of scope", place) for place in outside),
            *(("epic without tickets", place) for place in epics.idle(drafts.tickets)),
        ]

    def _leave_out(self, drafts: Drafts, most: int) -> None:
        """Drops useless tickets; with an exact count also those about background, to fill gaps."""
        found = self._useless(drafts)
        if self._job.ticket_count:
            background = coverage.citing_only(drafts, self._units, Role.CONTEXT)
            found += [("ticket about background", place) for place in background]
        gone = found[: max(most, 0)]
        for rule, place in gone:
            title = drafts.tickets[place].title
            self._calls.journal.repair(rule, ticket=title, done="left out")
        places = {place for _, place in gone}
        drafts.keep([place for place in range(len(drafts.tickets)) if place not in places])

    def _largest(self, drafts: Drafts) -> int:
        """The place of the ticket with most requirements of its own, or else with most at all."""
        cited = self._cited(drafts)
        times = Counter(number for numbers in cited for number in numbers)
        sizes = [(sum(times[one] == 1 for one in numbers), len(numbers)) for numbers in cited]
        return sizes.index(max(sizes))

    def _cited(self, drafts: Drafts) -> list[set[int]]:
        """The numbers of the requirements that each ticket cites; an epic cites none."""
        return [
            {self._required[span] for span in ticket.spans if span in self._required}
            if ticket.kind != "epic"
            else set()
            for ticket in drafts.tickets
        ]

    def _part(self, drafts: Drafts, rule: str, group: list[int]) -> None:
        """Shares out the sentences of tickets that an exact count keeps, in the spec's words.

        What other tickets tell is left to them, where there is enough without it. Those that
        cite no requirement stay: a rule of taste does not fail a job.
        """
        old = [drafts.tickets[place] for place in group]
        cited = self._cited(drafts)
        numbers = set().union(*(cited[place] for place in group))
        others = (own for place, own in enumerate(cited) if place not in group)
        alone = numbers.difference(*others)
        numbers = alone if len(alone) >= len(group) else numbers
        done = ""
        if numbers:
            done = f"{len(group)} share its sentences, in the spec's words"
            parted = self._unaided(numbers, len(group))
            for place, was, new in zip(group, old, parted, strict=True):
                parent = old[0].parent if was.kind == "epic" else was.parent
                drafts.tickets[place] = replace(new, parent=parent, after=was.after)
        self._calls.journal.repair(rule, ticket=old[-1].title, done=done)

    def _fill(self, drafts: Drafts, missing: int) -> None:
        """Tickets in place of twins, about what no other covers."""
        left = coverage.uncovered(drafts, self._units, self._calls.journal)
        if not left:  # a ticket and its twin have told it together
            self._split_largest(drafts, missing)
            return
        numbers = {unit.sentence.number for unit in left}
        drafts.append(self._asked(drafts, numbers, missing, missing))
        still = (self._job.ticket_count or 0) - len(drafts.tickets)
        if still > 0:
            self._calls.journal.repair("too few tickets", done=f"took the spec's words for {still}")
            drafts.append(Drafts("", self._unaided(numbers, still)))

    def _split_largest(self, drafts: Drafts, missing: int) -> None:
        place, size = self._largest(drafts), len(drafts.tickets)
        drafts.tickets += [deepcopy(drafts.tickets[place]) for _ in range(missing)]
        self._part(drafts, "too few tickets", [place, *range(size, size + missing)])

    def _more(self, drafts: Drafts) -> list[Unit]:
        """Asks for tickets about what none covers, where there is room; returns what is left."""
        journal = self._calls.journal
        room = self._job.max_ticket_count - len(drafts.tickets)
        may_grow = self._job.ticket_count is None and room > 0
        if may_grow:
            coverage.release(drafts, self._units, journal)
        left = coverage.uncovered(drafts, self._units, journal)
        if may_grow and len(left) >= _WORTH_A_CALL:
            numbers = {unit.sentence.number for unit in left}
            more = self._asked(drafts, numbers, None, min(room, len(left)))
            journal.repair("requirements left out", done=f"{len(more.tickets)} more tickets")
            drafts.append(more)
            left = coverage.uncovered(drafts, self._units, journal)
        return left

    def _asked(self, drafts: Drafts, numbers: set[int], count: int | None, most: int) -> Drafts:
        """Tickets about some sentences: those that are of use, while there is a budget."""
        batch = self._whole.only(numbers, count=count, most=most)
        more = Drafts("", [])
        for part in divided(batch, self._writer.fits) or []:
            if not self._budget.take():
                break
            titles = [ticket.title for ticket in (*drafts.tickets, *more.tickets)]
            try:
                more.append(self._writer.write(part, titles))
            except GenerationError as fault:
                if not is_the_models(fault):
                    raise
        merge_twins(more, self._calls.journal, least=1)
        known = [gist(ticket) for ticket in drafts.tickets]
        more.keep(
            [
                place
                for place, ticket in enumerate(more.tickets)
                if not checks.problems(ticket, self._whole.sentences)
                and not any(map(partial(twins, gist(ticket)), known))
            ]
        )
        return more
