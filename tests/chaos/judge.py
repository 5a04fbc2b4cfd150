"""What became of the jobs: by what the clients were told, and by what the database has."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from peewee import Database

from tests.chaos.clients import Client, Order
from tests.chaos.monkey import Fault
from tests.contract_shapes import assert_fits
from tests.stack import TERMINAL
from tests.storage import run
from tickets.lifecycle import Verb
from tickets.validation import result_problems

_MOST_SHOWN = 10
_COUNTERS = """
    SELECT c.name, c.queued, c.running,
           (SELECT count(*) FROM jobs j WHERE j.client_id = c.id AND j.status = 'queued'),
           (SELECT count(*) FROM jobs j WHERE j.client_id = c.id
                                          AND j.status IN ('processing', 'cancel_requested'))
      FROM clients c"""
_EVENTS = """
    SELECT e.job_id, e.verb, e.status, e.at, e.detail, j.created_at
      FROM job_events e JOIN jobs j ON j.id = e.job_id ORDER BY e.job_id, e.id"""


@dataclass
class Verdict:
    """The counts, and a line for everything that should not be.

    Attributes:
        recoveries: Seconds from the end of each fault until a job submitted after it was completed.
        takings: Seconds from the kill of a worker until the job that it held was taken from it.
        reclaims: The same until the job was claimed again.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    takings: list[float] = field(default_factory=list)
    reclaims: list[float] = field(default_factory=list)

    def wrong(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        self.wrongs.append(f"{kind}: {what}")


@dataclass(frozen=True, slots=True)
class Event:
    """A row of a job's timeline; times in seconds."""

    verb: str
    status: str
    at: float
    detail: str
    submitted_at: float


def judge(clients: Sequence[Client], database: Database, faults: Sequence[Fault]) -> Verdict:
    """Judges a run that has come to rest."""
    verdict = Verdict()
    for client in clients:
        for surprise in client.line.surprises:
            verdict.wrong("surprises", surprise)
        for order in client.orders:
            _judge_order(order, verdict)
    timelines = _timelines(database)
    for job_id, events in timelines.items():
        _judge_timeline(job_id, events, verdict)
    accepted = {job_id for client in clients for order in client.orders for job_id in order.job_ids}
    known = {job_id.replace("-", "") for job_id in timelines}
    for job_id in accepted:
        if job_id.replace("-", "") not in known:
            verdict.wrong("lost", f"{job_id} is not in the database")
    for name, queued, running, counted_queued, counted_running in run(database, _COUNTERS):
        if (queued, running) != (counted_queued, counted_running):
            counted = f"{counted_queued} and {counted_running}"
            verdict.wrong("counters", f"{name} has {queued} and {running}, counted are {counted}")
    verdict.recoveries = list(_recoveries(timelines, faults))
    verdict.takings = list(_since_kills(Verb.LOSE_LEASE, timelines, faults))
    verdict.reclaims = list(_since_kills(Verb.CLAIM, timelines, faults))
    return verdict


def _judge_order(order: Order, verdict: Verdict) -> None:
    verdict.counts["submitted"] += 1
    if not order.job_ids:
        return
    verdict.counts["accepted"] += 1
    if len(order.job_ids) > 1:
        verdict.wrong("duplicated", f"one key has the jobs {sorted(order.job_ids)}")
    if order.ended is None:
        verdict.wrong("lost", f"{order.job_id} has not ended")
        return
    verdict.counts[order.ended] += 1
    if order.ended == "completed":
        _judge_result(order, verdict)
    elif order.ended != "cancelled":
        verdict.wrong("unexplained", f"{order.job_id} is {order.ended}")
    elif not order.asked:
        verdict.wrong("unexplained", f"{order.job_id} is cancelled, and nobody asked for it")
    if order.cancelled and order.ended != "cancelled":
        verdict.wrong("unexplained", f"{order.job_id} is {order.ended} after its cancellation")


def _judge_result(order: Order, verdict: Verdict) -> None:
    if order.result is None:
        verdict.wrong("lost", f"{order.job_id} is completed and has no result")
        return
    document = json.loads(order.result)
    problems = result_problems(document)
    try:
        assert_fits(document, "TicketsResult")
    except AssertionError as fault:
        problems.append(str(fault))
    if document["job_id"] not in order.job_ids:
        problems.append("it is another job's")
    if len(document["tickets"]) != order.body["options"]["ticket_count"]:
        problems.append(f"it has {len(document['tickets'])} tickets")
    if problems:
        verdict.wrong("invalid results", f"{order.job_id}: {problems}")


def _judge_timeline(job_id: str, events: Sequence[Event], verdict: Verdict) -> None:
    verbs = Counter(event.verb for event in events)
    verdict.counts["leases lost"] += verbs[Verb.LOSE_LEASE]
    verdict.counts["attempts given back"] += verbs[Verb.RELEASE]
    if verbs[Verb.COMPLETE] > 1:
        verdict.wrong("duplicated", f"{job_id} was completed {verbs[Verb.COMPLETE]} times")
    ends = [event.status for event in events if event.status in TERMINAL]
    if len(ends) != 1 or events[-1].status not in TERMINAL:
        told = ", ".join(f"{event.verb} to {event.status}" for event in events)
        verdict.wrong("timelines", f"{job_id} has not ended once, and last: {told}")


def _timelines(database: Database) -> dict[str, list[Event]]:
    timelines: dict[str, list[Event]] = {}
    for job_id, verb, status, at, detail, submitted_at in run(database, _EVENTS):
        event = Event(verb, status, at / 1e6, detail, submitted_at / 1e6)
        timelines.setdefault(str(job_id), []).append(event)
    return timelines


def _recoveries(timelines: dict[str, list[Event]], faults: Sequence[Fault]) -> Iterator[float]:
    """For each fault that a completed job came after; the last ones may have none."""
    completed = sorted(
        (events[0].submitted_at, events[-1].at)
        for events in timelines.values()
        if events[-1].status == "completed"
    )
    for fault in faults:
        after = [ended for submitted, ended in completed if submitted >= fault.over_at]
        if after:
            yield min(after) - fault.over_at


def _since_kills(
    verb: Verb, timelines: dict[str, list[Event]], faults: Sequence[Fault]
) -> Iterator[float]:
    """From the kill of a worker until that happens to a job that it held."""
    killed = {fault.pid: fault.over_at for fault in faults if fault.kind == "worker" and fault.pid}
    for events in timelines.values():
        holder = 0
        for event in events:
            if event.verb == verb and holder in killed and event.at > killed[holder]:
                yield event.at - killed[holder]
            if event.verb == Verb.CLAIM:
                holder = _pid(event.detail)
            elif event.verb != Verb.LOSE_LEASE:
                holder = 0 if event.status == "queued" else holder


def _pid(worker_id: str) -> int:
    """Of a worker, whose id is HOST-PID-RANDOM."""
    return int(worker_id.rsplit("-", 2)[1])


def spread(values: Sequence[float]) -> str:
    """Median and worst."""
    return f"{median(values):.2f} s median, {max(values):.2f} s worst" if values else "none"


def shown(wrongs: Sequence[str]) -> list[str]:
    """The first few lines, and how many more there are."""
    more = len(wrongs) - _MOST_SHOWN
    return [*wrongs[:_MOST_SHOWN], *([f"… and {more} more"] if more > 0 else [])]
