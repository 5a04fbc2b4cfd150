"""Wakes workers through the queues, after a commit: one for jobs, one for deliveries.

A queue holds at most as many wake-ups as workers have slots: each makes a
worker claim until nothing is left, so more would say nothing new.
"""

import logging
import threading
from collections.abc import Callable
from heapq import heappop, heappush
from time import monotonic
from typing import Any
from uuid import UUID

from core import callbacks, clock
from core.database import transaction
from core.deliveries import is_due
from core.models import Delivery, Job, Worker
from tickets.lifecycle import Stage, Status
from worker.queue import DELIVERIES, JOBS, open_queue

log = logging.getLogger(__name__)

# A worker process that has been silent for this long has no slots.
PRESENCE_S = 60
# How often wake-ups that are meant for later are looked at.
LOOK_S = 0.25

_BATCH = 500

# A queue that is locked or silent costs one caller this long, and nobody the same time again.
_PATIENCE_S = 2.0
_AWAY_S = 2.0


# How late a delivery may be because nobody noticed that its time had come.
_NOTICE_S = 1.0


class Wakeups:
    """Tells workers that there is something to claim."""

    def __init__(self, queue_url: str) -> None:
        self._jobs = _Bell(queue_url, JOBS)
        self._deliveries = _Bell(queue_url, DELIVERIES)
        self._lock = threading.Lock()
        self._later: list[int] = []

    def submitted(self, job_id: UUID) -> None:
        """Wakes a worker for a new job.

        A queue that is away costs the caller nothing: the job stays at the
        stage `accepted` until the sweeper has woken a worker.
        """
        if not self.send():
            # Written only then: a second commit for every job would cost more
            # than the moment is worth in which the stage says `queued` too early.
            with transaction():
                Job.update(stage=Stage.ACCEPTED.value).where(
                    Job.id == job_id,
                    Job.status == Status.QUEUED.value,
                    Job.stage == Stage.QUEUED.value,
                ).execute()

    def send(self) -> bool:
        """Sends one more wake-up, while there are slots for it; False when the queue is away."""
        return self._jobs.ring(lambda waiting: min(1, self._jobs.slots - waiting))

    def send_at(self, at: int) -> None:
        """Sends one when a job can be claimed that cannot yet.

        What a core that stops had in mind is made up for by the next sweep.
        """
        with self._lock:
            heappush(self._later, at)

    def send_due(self) -> None:
        """Sends those that were meant for a time that has come; call it every `LOOK_S`."""
        at = clock.now()
        while self._take_due(at):
            self.send()

    def top_up(self) -> None:
        """Sends what is missing for the jobs that can be claimed now, from the sweeper."""
        at = clock.now()
        self._jobs.slots = max(1, sum(present_slots(at)))
        claimable = (
            Job.select(Job.id)
            .where(Job.status == Status.QUEUED.value, Job.available_at <= at)
            .limit(self._jobs.slots)
            .count()
        )
        if claimable and self._jobs.ring(lambda waiting: claimable - waiting):
            self._announce()

    def top_up_deliveries(self) -> None:
        """Sends what is missing for the deliveries that are due; call it over and over.

        Waits until one is committed by this core, but at most a second: others
        are due because their time has come, or were committed by another core.
        """
        callbacks.due.wait(_NOTICE_S)
        callbacks.due.clear()
        at = clock.now()
        self._deliveries.slots = max(1, sum(worker.delivery_slots for worker in _present(at)))
        due = Delivery.select(Delivery.id).where(is_due(at)).limit(self._deliveries.slots).count()
        if due:
            self._deliveries.ring(lambda waiting: due - waiting)

    def _announce(self) -> None:
        """Moves jobs on whose wake-up could not be sent, in small batches that block nobody."""
        unannounced = (Job.status == Status.QUEUED.value) & (Job.stage == Stage.ACCEPTED.value)
        some = Job.select(Job.id).where(unannounced).order_by(Job.created_at).limit(_BATCH)
        while ids := [job.id for job in some.clone()]:
            with transaction():
                Job.update(stage=Stage.QUEUED.value).where(Job.id.in_(ids), unannounced).execute()

    def _take_due(self, at: int) -> bool:
        with self._lock:
            due = bool(self._later) and self._later[0] <= at
            if due:
                heappop(self._later)
            return due


class _Bell:
    """The sending end of one queue.

    Attributes:
        slots: How many wake-ups it may hold.
    """

    def __init__(self, url: str, name: str) -> None:
        self.slots = 1
        self._url = url
        self._name = name
        # One at a time: who waits behind a queue that turns out to be away need not try it.
        self._turn = threading.Lock()
        self._away_until = 0.0
        self._opened: tuple[Any, Callable[[], Any]] | None = None

    def ring(self, missing: Callable[[int], int]) -> bool:
        """Sends as many as are missing beside those that wait; False when the queue is away."""
        with self._turn:
            if monotonic() < self._away_until:
                return False
            try:
                queue, wake = self._queue()
                for _ in range(missing(queue.pending_count())):
                    wake()
            except Exception as fault:  # noqa: BLE001 - Redis, SQLite and the disk fail in their own ways
                log.warning("workers cannot be woken, the queue is away: %s", fault)
                self._away_until = monotonic() + _AWAY_S
                return False
        return True

    def _queue(self) -> tuple[Any, Callable[[], Any]]:
        if self._opened is None:
            self._opened = open_queue(self._url, self._name, on_wake=_never, patience_s=_PATIENCE_S)
        return self._opened


def present_slots(at: int) -> list[int]:
    """How many jobs each worker that has spoken up lately can run at once."""
    return [worker.slots for worker in _present(at)]


def _present(at: int) -> list[Worker]:
    return list(Worker.select().where(Worker.seen_at > at - clock.micros(PRESENCE_S)))


def _never() -> None:
    raise AssertionError("core consumes no queue")
