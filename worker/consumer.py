"""Puts the worker together and runs it: Huey's threads wake up, claim, and do what they claimed.

Jobs and deliveries have queues and threads of their own: neither waits for the other.
"""

import logging
import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import grpc
from huey.consumer import Consumer
from taskforge.worker.v1.deliveries_pb2 import ClaimedDelivery

from tickets.channel import open_channel
from tickets.errors import TaskForgeError
from tickets.settings import Settings
from worker.attempts import Attempts
from worker.callbacks.deliveries import Deliveries
from worker.callbacks.tls import trust
from worker.core_client import CoreClient, DeliveryLease, ends_lease
from worker.provider import Provider
from worker.queue import DELIVERIES, JOBS, open_queue

log = logging.getLogger(__name__)

_SLOTS = 4
_QUEUE_PATIENCE_S = 10.0
_AWAY_PAUSE_S = 1.0
# What attempts that are told to stop get to report it.
_LAST_REPORTS_S = 5.0


def serve(settings: Settings, provider: Provider) -> None:
    """Runs the worker until SIGTERM or SIGINT, then finishes or gives back its jobs."""
    worker = Worker(settings, provider)
    # Unlike an event, a simple queue may be told twice from a signal handler.
    stop_orders: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stop_orders.put(number))
    worker.start()
    stop_orders.get()
    worker.stop(settings.drain_s)


# Gives a lease and what it holds, or None when there is nothing to do.
Claim = Callable[[], tuple[Any, Any] | None]
# Does what was claimed; true: core has said that nothing else waits.
Run = Callable[..., bool | None]


class Worker:
    """A running worker; `start` and `stop` once each."""

    def __init__(self, settings: Settings, provider: Provider) -> None:
        self._slots = settings.workers or _SLOTS
        self._stopping = threading.Event()
        self._busy = 0
        self._busy_changed = threading.Condition()
        self._core = CoreClient(open_channel(settings), settings.worker_token or "")
        self._attempts = Attempts(self._core, provider, settings.generation_timeout_s)
        self._callers = 0
        self._most_callers = settings.callback_threads
        self._deliveries = Deliveries(self._core, trust(settings.callback_ca_file))
        # Huey tells of every message, and every message is just a wake-up.
        logging.getLogger("huey").setLevel(logging.WARNING)
        self._consumers = [
            self._consumer(settings, JOBS, self._slots, self._work),
            self._consumer(settings, DELIVERIES, 1, self._start_caller),
        ]

    def start(self) -> None:
        threading.Thread(target=self._listen, name="cancellations", daemon=True).start()
        for consumer in self._consumers:
            consumer.start()
        log.info("worker %s takes %d jobs at once", self._core.worker_id, self._slots)

    def stop(self, drain_s: float) -> None:
        """Claims nothing more; what is running ends within the drain time or is given back."""
        with self._busy_changed:
            self._stopping.set()
        for consumer in self._consumers:
            consumer.stop_flag.set()
        if not self._idle_within(drain_s):
            log.info("the work of %d threads is given back", self._busy)
            self._attempts.stop_all()
            self._deliveries.stop_all()
            self._idle_within(_LAST_REPORTS_S)

    def _idle_within(self, seconds: float) -> bool:
        with self._busy_changed:
            return self._busy_changed.wait_for(lambda: not self._busy, timeout=seconds)

    def _consumer(
        self, settings: Settings, name: str, threads: int, act: Callable[[], None]
    ) -> Consumer:
        """What acts on a queue's wake-ups, on so many threads."""

        def on_wake() -> None:
            act()
            if self._stopping.is_set():
                # Meant for a worker that stays.
                wake()

        queue, wake = open_queue(
            settings.queue_url, name, on_wake=on_wake, patience_s=_QUEUE_PATIENCE_S
        )
        return _SignalFreeConsumer(
            queue,
            workers=threads,
            worker_type="thread",
            periodic=False,
            scheduler_interval=60,
        )

    def _work(self) -> None:
        if self._begin():
            try:
                self._claim_until_idle(self._core.claim, self._attempts.run)
            finally:
                self._end()

    def _start_caller(self) -> None:
        """Starts a thread that delivers callbacks until nothing is left, if there may be one more.

        Each waits for a receiver most of the time, so none is kept for when it is needed.
        """
        with self._busy_changed:
            if self._callers == self._most_callers or self._stopping.is_set():
                return
            self._callers += 1
            self._busy += 1
        threading.Thread(target=self._call, name="callbacks", daemon=True).start()

    def _call(self) -> None:
        try:
            self._claim_until_idle(self._core.claim_delivery, self._deliver)
        finally:
            with self._busy_changed:
                self._callers -= 1
            self._end()

    def _deliver(self, lease: DeliveryLease, claimed: ClaimedDelivery) -> None:
        if claimed.others_wait:
            self._start_caller()
        self._deliveries.run(lease, claimed)

    def _claim_until_idle(self, claim: Claim, run: Run) -> None:
        while not self._stopping.is_set():
            try:
                claimed = claim()
            except (TaskForgeError, grpc.RpcError) as fault:
                if ends_lease(fault):
                    # Lost before the answer came; there may be others.
                    continue
                # Core wakes workers again once it is back.
                log.warning("nothing could be claimed: %s", fault)
                return
            if claimed is None or run(*claimed):
                return

    def _begin(self) -> bool:
        """Counts a thread as busy from before its claim, so that no drain overlooks the job."""
        with self._busy_changed:
            if not self._stopping.is_set():
                self._busy += 1
                return True
        return False

    def _end(self) -> None:
        with self._busy_changed:
            self._busy -= 1
            self._busy_changed.notify_all()

    def _listen(self) -> None:
        """Waits at core for cancellations; this also tells core how many slots there are."""
        known: set[str] = set()
        while not self._stopping.is_set():
            try:
                tokens = self._core.await_cancellations(self._slots, self._most_callers, known)
            except (TaskForgeError, grpc.RpcError) as fault:
                log.debug("cancellations cannot be heard: %s", fault)
                self._stopping.wait(_AWAY_PAUSE_S)
                continue
            # No news: what was known still is.
            known = set(tokens) or known
            for token in tokens:
                self._attempts.cancel(token)


class _SignalFreeConsumer(Consumer):  # type: ignore[misc] # Huey is untyped
    """Leaves signals to `serve`, which knows what has to be given back first."""

    def _set_signal_handlers(self) -> None:
        pass
