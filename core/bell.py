"""The sending end of one queue."""

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from worker.queue import open_queue

log = logging.getLogger(__name__)

# A queue that is locked or silent costs one caller this long, and nobody the same time again.
_PATIENCE_S = 2.0
_AWAY_S = 2.0


class Bell:
    """Sends wake-ups into a queue, never more than are missing.

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


def _never() -> None:
    raise AssertionError("core consumes no queue")
