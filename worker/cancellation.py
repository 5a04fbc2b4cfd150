"""One job's order to stop, which reaches whatever the job is blocked on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancellation:
    """Set once, from any thread; whoever blocks registers how to be interrupted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._interrupts: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    def request(self) -> None:
        """Asks for the stop; interrupts everything registered, once."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            interrupt()

    def wait(self, seconds: float) -> bool:
        """Sleeps, and returns early with True when the stop is asked for."""
        return self._event.wait(seconds)

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Calls `interrupt` when the stop is asked for within the block, or was before.

        `interrupt` runs on the asking thread, at most once, and must not block.
        """
        with self._lock:
            requested = self._event.is_set()
            if not requested:
                self._interrupts.append(interrupt)
        if requested:
            interrupt()
        try:
            yield
        finally:
            with self._lock:
                if interrupt in self._interrupts:
                    self._interrupts.remove(interrupt)
