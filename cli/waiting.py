"""Waiting for a job: polling that is quick at first, patient later, and does as it is told."""

import time
from collections.abc import Callable
from typing import Protocol

from cli.failure import UnreachableFailure
from cli.rest import Document, RefusedFailure
from tickets.lifecycle import TERMINAL, Status

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 2.0
_GROWTH = 1.3
# A restart of the server should not end the wait.
_PATIENCE_S = 120

Watcher = Callable[[str, str], None]


class Jobs(Protocol):
    """Where to ask for a job; it has at least a `status` and a `stage`."""

    def job(self, job_id: str) -> Document: ...


def wait(api: Jobs, job_id: str, watcher: Watcher) -> Document:
    """The job when it has ended.

    Args:
        api: Where to ask.
        job_id: Which job.
        watcher: Is told status and stage after each answer.
    """
    delay = _FIRST_DELAY_S
    silent_since: float | None = None
    while True:
        try:
            job = api.job(job_id)
        except (UnreachableFailure, RefusedFailure) as failure:
            silent_since = silent_since or time.monotonic()
            pause = _pause(failure, delay)
            if pause is None or time.monotonic() - silent_since > _PATIENCE_S:
                raise
            watcher("no answer from the server", "trying again")
            time.sleep(pause)
        else:
            silent_since = None
            watcher(job["status"], job["stage"])
            if Status(job["status"]) in TERMINAL:
                return job
            time.sleep(delay)
        delay = min(delay * _GROWTH, _LONGEST_DELAY_S)


def _pause(failure: UnreachableFailure | RefusedFailure, delay: float) -> float | None:
    """How long to wait after a failed poll; None when asking again cannot help."""
    if isinstance(failure, UnreachableFailure):
        return delay
    if failure.retry_after is not None:
        return failure.retry_after
    return delay if failure.status >= 500 else None  # noqa: PLR2004 - the server's fault
