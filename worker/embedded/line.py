"""The line of requests before the model: first come, first served, and not endless."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from worker.cancellation import Cancellation


class LineFull(Exception):  # noqa: N818 - a state that passes
    """Too many wait already."""


class LeftLine(Exception):  # noqa: N818 - an order carried out, not an error
    """The request was cancelled while it waited."""


class Line:
    """Lets one request through at a time.

    Args:
        most_waiting: Requests that may wait besides the one that is served.
    """

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._places: deque[object] = deque()

    @contextmanager
    def turn(self, cancellation: Cancellation) -> Iterator[None]:
        """Waits for the caller's turn, which lasts as long as the block.

        Raises:
            LineFull: There is no room to wait.
            LeftLine: The cancellation came first.
        """
        place = self._join()
        try:
            self._wait(place, cancellation)
            yield
        finally:
            self._leave(place)

    def _join(self) -> object:
        with self._changed:
            if len(self._places) > self._most_waiting:
                raise LineFull
            place = object()
            self._places.append(place)
            return place

    def _wait(self, place: object, cancellation: Cancellation) -> None:
        with cancellation.interrupting(self._wake), self._changed:
            self._changed.wait_for(lambda: cancellation.requested or self._places[0] is place)
        if cancellation.requested:
            raise LeftLine

    def _leave(self, place: object) -> None:
        with self._changed:
            self._places.remove(place)
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
