"""Wakes workers through the queue, after a commit.

The queue holds at most as many wake-ups as there are worker slots: each makes
a worker claim until nothing is left, so more would say nothing new.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from core import clock
from core.models import Job, Worker
from tickets.lifecycle import Stage, Status
from worker.queue import open_queue

log = logging.getLogger(__name__)

# A worker process that has been silent for this long has no slots.
PRESENCE_S = 60


class Wakeups:
    """The sending end of the queue."""

    def __init__(self, queue_url: str) -> None:
        self._url = queue_url
        self._lock = threading.Lock()
        self._opened: tuple[Any, Callable[[], Any]] | None = None
        self._slots = 1

    def submitted(self, job_id: UUID) -> None:
        """Wakes a worker for a new job.

        A queue that is away costs the caller nothing: the job stays at the
        stage `accepted` until the sweeper has woken a worker.
        """
        if not self.send(1):
            # Written only then: a second commit for every job would cost more
            # than the moment is worth in which the stage says `queued` too early.
            Job.update(stage=Stage.ACCEPTED.value).where(
                Job.id == job_id, Job.stage == Stage.QUEUED.value
            ).execute()

    def send(self, wanted: int) -> bool:
        """Tops the queue up by at most `wanted` wake-ups; False when it is away."""
        try:
            queue, wake = self._queue()
            for _ in range(min(wanted, self._slots - queue.pending_count())):
                wake()
        except Exception as fault:  # noqa: BLE001 - Redis, SQLite and the disk fail in their own ways
            log.warning("workers cannot be woken, the queue is away: %s", fault)
            return False
        return True

    def top_up(self) -> None:
        """Sends what is missing for the jobs that can be claimed now, from the sweeper."""
        at = clock.now()
        self._slots = max(1, sum(present_slots(at)))
        claimable = (
            Job.select(Job.id)
            .where(Job.status == Status.QUEUED.value, Job.available_at <= at)
            .limit(self._slots)
            .count()
        )
        if claimable and self.send(claimable):
            Job.update(stage=Stage.QUEUED.value).where(Job.stage == Stage.ACCEPTED.value).execute()

    def _queue(self) -> tuple[Any, Callable[[], Any]]:
        with self._lock:
            if self._opened is None:
                self._opened = open_queue(self._url, on_wake=_never)
            return self._opened


def present_slots(at: int) -> list[int]:
    """How many jobs each worker that has spoken up lately can run at once."""
    seen_since = at - clock.micros(PRESENCE_S)
    return [row.slots for row in Worker.select(Worker.slots).where(Worker.seen_at > seen_since)]


def _never() -> None:
    raise AssertionError("core consumes no queue")
