"""Tells workers which of their jobs have to stop, within a second.

Workers wait here; one thread asks the database once a second for all of them,
so that any core can serve any worker.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from core.models import Job
from core.prepared import Select, literal
from tickets.lifecycle import Status

LOOK_S = 0.5
_WAIT_S = 20.0

# What has a waiting worker look again.
_Signal = SimpleQueue[None]


class _Asked(NamedTuple):
    """A lease whose cancellation has been asked for."""

    worker_id: str
    token: UUID


_ASKED_COLUMNS = (Job.worker_id, Job.lease_token)
_ASKED = Select(
    _Asked,
    _ASKED_COLUMNS,
    lambda: Job.select(*_ASKED_COLUMNS).where(Job.status == literal(Status.CANCEL_REQUESTED)),
    parameters=[],
)


class Cancellations:
    """The leases whose cancellation has been asked for, by worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[_Signal]] = {}
        self._tokens: dict[str, set[str]] = {}
        self._stopped = False

    def wait(
        self,
        worker_id: str,
        known: Collection[str],
        when_over: Callable[[Callable[[], None]], bool],
    ) -> list[str]:
        """Blocks until the worker has a lease to give up that it does not know of yet.

        Args:
            worker_id: Whose leases.
            known: The tokens of those that it knows of.
            when_over: Has something called when nobody waits for the answer any
                more; False when that is so already.

        Returns:
            The tokens of all that it has to give up; none when the wait ended without news.
        """
        deadline = monotonic() + _WAIT_S
        signal, over = _Signal(), threading.Event()

        def hang_up() -> None:
            over.set()
            signal.put(None)

        with self._listening(worker_id, signal):
            is_heard = when_over(hang_up)
            while is_heard and not (self._stopped or over.is_set()):
                tokens = self._tokens.get(worker_id, set())
                if not tokens.issubset(known):
                    return sorted(tokens)
                try:
                    signal.get(timeout=max(0.0, deadline - monotonic()))
                except Empty:
                    break
        return []

    def look(self) -> None:
        """Asks the database once, when anybody waits."""
        if not self._waiting:
            return
        found: dict[str, set[str]] = defaultdict(set)
        for asked in _ASKED.all():
            found[asked.worker_id].add(str(asked.token))
        with self._lock:
            before, self._tokens = self._tokens, dict(found)
            for worker_id, signals in self._waiting.items():
                if self._tokens.get(worker_id) != before.get(worker_id):
                    _ring(signals)

    def stop(self) -> None:
        """Lets everybody who waits go."""
        with self._lock:
            self._stopped = True
            for signals in self._waiting.values():
                _ring(signals)

    @contextmanager
    def _listening(self, worker_id: str, signal: _Signal) -> Iterator[None]:
        with self._lock:
            self._waiting.setdefault(worker_id, set()).add(signal)
        try:
            yield
        finally:
            with self._lock:
                self._waiting[worker_id].discard(signal)
                if not self._waiting[worker_id]:
                    del self._waiting[worker_id]


def _ring(signals: Collection[_Signal]) -> None:
    for signal in signals:
        signal.put(None)
