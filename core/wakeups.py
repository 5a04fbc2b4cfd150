"""Wakes workers through the queues, after a commit: one for jobs, one for deliveries.

A queue holds at most as many wake-ups as workers have slots: each makes a
worker claim until nothing is left, so more would say nothing new.
"""

import logging
import threading
from heapq import heappop, heappush
from uuid import UUID

from peewee import fn

from core import callbacks, clock, presence
from core.bell import Bell
from core.database import transaction
from core.deliveries import is_due
from core.models import Client, Delivery, Job
from tickets.lifecycle import Stage, Status
from worker.queue import DELIVERIES, JOBS

log = logging.getLogger(__name__)

# How often wake-ups that are meant for later are looked at.
LOOK_S = 0.25

_BATCH = 500


# How late a delivery may be because nobody noticed that its time had come.
_NOTICE_S = 1.0


class Wakeups:
    """Tells workers that there is something to claim."""

    def __init__(self, queue_url: str) -> None:
        self._jobs = Bell(queue_url, JOBS)
        self._deliveries = Bell(queue_url, DELIVERIES)
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
        """Sends what is missing for the jobs that wait, from the sweeper."""
        at = clock.now()
        self._jobs.slots = max(1, sum(worker.slots for worker in presence.workers(at)))
        # Some of them may be put off or past their deadline: a wake-up too many costs a claim,
        # and to look at the jobs would cost more.
        queued = Client.select(fn.SUM(Client.queued)).scalar() or 0
        missing = min(queued, self._jobs.slots)
        if missing and self._jobs.ring(lambda waiting: missing - waiting):
            self._announce()

    def top_up_deliveries(self) -> None:
        """Sends what is missing for the deliveries that are due; call it over and over.

        Waits until one is committed by this core, but at most a second: others
        are due because their time has come, or were committed by another core.
        """
        callbacks.due.wait(_NOTICE_S)
        callbacks.due.clear()
        at = clock.now()
        self._deliveries.slots = max(
            1, sum(worker.delivery_slots for worker in presence.workers(at))
        )
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
