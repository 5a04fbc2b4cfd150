"""What a worker makes of core's answers to its reports."""

from typing import Any, cast

import pytest
from taskforge.tickets.v1 import jobs_pb2
from taskforge.worker.v1 import worker_pb2

from tests.hands import result_document
from tests.waiting import eventually
from tickets.errors import JobErrorCode, Reason, TaskForgeError
from tickets.lifecycle import Stage
from worker import attempts
from worker.attempts import Attempts
from worker.cancellation import Cancellation
from worker.core_client import CoreClient, Lease
from worker.generation.job import GenerationError
from worker.heartbeats import Heartbeats
from worker.provider import Provider

LEASE = Lease("0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11", "3b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a12")


class Core:
    """Answers as it is told, and keeps what it hears."""

    def __init__(self, *, beat: Exception | None = None, complete: Exception | None = None) -> None:
        self._beat, self._complete = beat, complete
        self.worker_id = "a worker"
        self.beats = 0
        self.failures: list[GenerationError] = []

    def heartbeat(self, *_: Any) -> None:
        self.beats += 1
        if self._beat:
            raise self._beat

    def complete(self, *_: Any) -> None:
        if self._complete:
            raise self._complete

    def fail(self, _lease: Lease, error: GenerationError, _provenance: bytes) -> None:
        self.failures.append(error)


def test_a_result_that_core_does_not_take_fails_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "generate", lambda *_, **__: result_document(LEASE.job_id))
    core = Core(complete=TaskForgeError(Reason.RESULT_INVALID, "tickets: too few"))
    job = worker_pb2.ClaimedJob(job_id=LEASE.job_id)
    job.options.output_detail = jobs_pb2.OUTPUT_DETAIL_STANDARD
    job.heartbeat_interval.FromSeconds(15)

    provider = Provider("http://127.0.0.1:9")
    Attempts(cast("CoreClient", core), provider, timeout_s=5).run(LEASE, job)

    [failure] = core.failures
    assert failure.code is JobErrorCode.MODEL_OUTPUT_INVALID
    assert not failure.retryable


@pytest.mark.parametrize(
    ("reason", "stops"),
    [
        (Reason.LEASE_LOST, True),
        (Reason.CANCEL_REQUESTED, True),
        (Reason.STORAGE_ERROR, False),
        (Reason.INTERNAL, False),
    ],
)
def test_only_a_lease_that_is_gone_stops_the_work(reason: Reason, stops: bool) -> None:
    core, cancellation = Core(beat=TaskForgeError(reason, "no")), Cancellation()

    with Heartbeats(cast("CoreClient", core), LEASE, 0.01, cancellation) as heartbeats:
        heartbeats.report(Stage.GENERATING_TICKETS, "")
        eventually(lambda: cancellation.requested if stops else core.beats > 3)

    assert cancellation.requested == stops


def test_a_beat_that_core_does_not_hear_is_soon_repeated() -> None:
    core, beat_s = Core(beat=TaskForgeError(Reason.STORAGE_ERROR, "no")), 4

    with Heartbeats(cast("CoreClient", core), LEASE, beat_s, Cancellation()) as heartbeats:
        heartbeats.report(Stage.GENERATING_TICKETS, "")
        eventually(lambda: core.beats > 2, within_s=2 * beat_s)
