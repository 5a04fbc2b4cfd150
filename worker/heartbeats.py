"""A running job's heartbeats, from a thread of their own: the lease, the stage, the progress."""

import logging
import threading
from typing import Self

import grpc

from tickets.errors import TaskForgeError
from tickets.lifecycle import Stage
from worker.cancellation import Cancellation
from worker.core_client import CoreClient, Lease, ends_lease

log = logging.getLogger(__name__)

# A stage that is over before this is not worth a write.
_SETTLE_S = 0.05
# Beats that core has not heard are repeated this many times as fast: once it is back, it soon
# hears which workers live.
_HASTE = 4


class Heartbeats:
    """Beats within the block; a lease that is gone requests the cancellation."""

    def __init__(
        self, core: CoreClient, lease: Lease, interval_s: float, cancellation: Cancellation
    ) -> None:
        self._core = core
        self._lease = lease
        self._interval_s = interval_s
        self._cancellation = cancellation
        self._news = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._stage: Stage | None = None
        self._progress = ""
        self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)

    def report(self, stage: Stage, progress: str) -> None:
        """Has the next beat, which is soon, say what the job is at. Does not block."""
        with self._lock:
            self._stage, self._progress = stage, progress
        self._news.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._news.set()

    def _run(self) -> None:
        pause_s = self._interval_s
        while not self._over.is_set():
            if self._news.wait(pause_s) and self._over.wait(_SETTLE_S):
                return
            self._news.clear()
            pause_s = self._interval_s if self._beat() else self._interval_s / _HASTE

    def _beat(self) -> bool:
        """Beats once; returns whether core has heard it. The answer may end the lease."""
        with self._lock:
            stage, progress = self._stage, self._progress
        try:
            self._core.heartbeat(self._lease, stage, progress)
        except (TaskForgeError, grpc.RpcError) as fault:
            if ends_lease(fault):
                if not self._over.is_set():
                    log.info("job %s has to stop: %s", self._lease.job_id, fault)
                self._over.set()
                self._cancellation.request()
            else:
                # The lease outlives a few missed beats.
                log.warning("a heartbeat of job %s did not reach core", self._lease.job_id)
            return False
        return True
