"""How much mending one attempt may do: by number, by tokens and by time."""

import threading

from worker.generation.calls import Calls
from worker.generation.job import unusable

_REPAIRS = 3
_REPAIRS_PER_BATCH = 2


class Budget:
    """Safe to share between threads.

    Args:
        calls: The attempt's, which know what has been spent and how late it is.
        tokens: Completion tokens after which nothing is asked for again.
    """

    def __init__(self, calls: Calls, *, tokens: int) -> None:
        self._calls = calls
        self._tokens = tokens
        self._lock = threading.Lock()
        self._left = _REPAIRS

    def grow(self, batches: int) -> None:
        """A job of several batches may mend more."""
        with self._lock:
            self._left = _REPAIRS + _REPAIRS_PER_BATCH * batches

    def take(self) -> bool:
        """Takes one repair; False when there is none left, or no tokens or time for it."""
        if self._calls.is_late or self._calls.spent() >= self._tokens:
            return False
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def require(self, problem: str) -> None:
        """Takes one repair.

        Raises:
            GenerationError: There is none left; the message names the problem.
        """
        if not self.take():
            raise unusable(f"the model's answers stay unusable: {problem}")
