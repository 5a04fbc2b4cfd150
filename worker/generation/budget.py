"""How much mending one attempt may do: by number, by tokens and by time."""

import threading
import time
from collections.abc import Callable

from tickets.errors import JobErrorCode
from worker.generation.job import GenerationError

_REPAIRS = 3
_REPAIRS_PER_BATCH = 2
# A repair is only begun when there is time for one as long as the longest call so far.
_SPARE = 1.3


class Budget:
    """Safe to share between threads.

    Args:
        deadline: On the monotonic clock.
        tokens: Completion tokens after which nothing is asked for again.
        spent: Tells the completion tokens so far, and the longest call in seconds.
    """

    def __init__(
        self, *, deadline: float, tokens: int, spent: Callable[[], tuple[int, float]]
    ) -> None:
        self._deadline = deadline
        self._tokens = tokens
        self._spent = spent
        self._lock = threading.Lock()
        self._left = _REPAIRS

    def grow(self, batches: int) -> None:
        """A job of several batches may mend more."""
        with self._lock:
            self._left = _REPAIRS + _REPAIRS_PER_BATCH * batches

    def take(self) -> bool:
        """Takes one repair; False when there is none left, or no tokens or time for it."""
        tokens, longest_s = self._spent()
        if tokens >= self._tokens or time.monotonic() + longest_s * _SPARE >= self._deadline:
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


def unusable(message: str) -> GenerationError:
    """What is raised when the model's output cannot be made good."""
    return GenerationError(JobErrorCode.MODEL_OUTPUT_INVALID, message, retryable=False)


def is_unusable(fault: GenerationError) -> bool:
    """Whether a failure is the model's writing, rather than its server or the time."""
    return fault.code is JobErrorCode.MODEL_OUTPUT_INVALID
