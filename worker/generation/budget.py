"""How much mending one attempt may do: by number, by tokens and by time."""

import threading

from tickets.errors import JobErrorCode
from worker.generation.calls import Calls
from worker.generation.job import GenerationError

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


def unusable(message: str) -> GenerationError:
    """What is raised when the model's output cannot be made good."""
    return GenerationError(JobErrorCode.MODEL_OUTPUT_INVALID, message, retryable=False)


def is_unusable(fault: GenerationError) -> bool:
    """Whether a failure is the model's writing, rather than its server or the time."""
    return fault.code is JobErrorCode.MODEL_OUTPUT_INVALID


def is_the_models(fault: GenerationError) -> bool:
    """Whether the model has failed, by its writing or in its time, rather than its server."""
    return is_unusable(fault) or fault.code is JobErrorCode.MODEL_TIMEOUT
