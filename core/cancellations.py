"""Tells workers which of their jobs have to stop, within a second.

Workers wait here; one thread asks the database once a second for all of them,
so that any core can serve any worker.
"""

import os
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from time import monotonic

from core import clock
from core.database import transaction
from core.models import Job, Worker
from tickets.lifecycle import Status

LOOK_S = 0.5
_WAIT_S = 20.0
_OWN_ID = f"core-{socket.gethostname()[:60]}-{os.getpid()}"


class Cancellations:
    """The leases whose cancellation has been asked for, by worker."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting = 0
        self._tokens: dict[str, set[str]] = {}
        self._stopped = False

    def wait(
        self, worker_id: str, known: Collection[str], is_active: Callable[[], bool]
    ) -> list[str]:
        """Blocks until the worker has a lease to give up that it does not know of yet.

        Returns:
            The tokens of all that it has to give up; none when the wait ended without news.
        """
        deadline = monotonic() + _WAIT_S
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            try:
                while not self._stopped and is_active() and monotonic() < deadline:
                    tokens = self._tokens.get(worker_id, set())
                    if not tokens.issubset(known):
                        return sorted(tokens)
                    self._changed.wait(timeout=min(1.0, max(0.0, deadline - monotonic())))
            finally:
                self._waiting -= 1
        return []

    def look(self) -> None:
        """Asks the database once, when anybody waits."""
        with self._changed:
            if not self._waiting:
                return
        found: dict[str, set[str]] = defaultdict(set)
        rows = Job.select(Job.worker_id, Job.lease_token).where(
            Job.status == Status.CANCEL_REQUESTED.value
        )
        for row in rows:
            found[str(row.worker_id)].add(str(row.lease_token))
        with self._changed:
            self._tokens = dict(found)
            self._changed.notify_all()

    def stop(self) -> None:
        """Lets everybody who waits go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def record_presence(worker_id: str, slots: int, delivery_slots: int) -> bool:
    """Notes that a worker process is there, and how much it can do at once.

    Returns:
        Whether it has come only now.
    """
    seen = {"slots": slots, "delivery_slots": delivery_slots, "seen_at": clock.now()}
    with transaction():
        if Worker.update(seen).where(Worker.id == worker_id).execute():
            return False
        new = Worker.insert(id=worker_id, **seen).on_conflict_ignore()
        return bool(new.as_rowcount().execute())


def record_core() -> None:
    """Notes that this core is there, as a worker that takes nothing.

    The smallest write there is: it shows whether the database takes writes.
    """
    record_presence(_OWN_ID, slots=0, delivery_slots=0)
