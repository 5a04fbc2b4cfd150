"""One attempt at a job, from the claim to the report."""

import logging
import time
from datetime import UTC, datetime

import grpc
from taskforge.tickets.v1 import jobs_pb2, result_pb2
from taskforge.worker.v1 import worker_pb2

from tickets.codec import enum_texts
from tickets.decoding import decode
from tickets.errors import JobErrorCode, TaskForgeError
from worker.cancellation import Cancellation
from worker.core_client import CoreClient, Lease
from worker.generation.job import GenerationCancelled, GenerationError, GenerationJob
from worker.generation.pipeline import generate
from worker.heartbeats import Heartbeats
from worker.provider import Provider

log = logging.getLogger(__name__)

_DETAIL = enum_texts(jobs_pb2.OutputDetail.DESCRIPTOR)


class Attempts:
    """Runs attempts with one provider, and can stop those that are running."""

    def __init__(self, core: CoreClient, provider: Provider, timeout_s: float) -> None:
        self._core = core
        self._provider = provider
        self._timeout_s = timeout_s
        self._running: dict[str, Cancellation] = {}
        self._draining = False

    @property
    def running(self) -> int:
        return len(self._running)

    def cancel(self, lease_token: str) -> None:
        """Stops the attempt that holds a lease; one that is over is left alone."""
        cancellation = self._running.get(lease_token)
        if cancellation is not None:
            cancellation.request()

    def stop_all(self) -> None:
        """Stops every attempt; each gives its job back."""
        self._draining = True
        for cancellation in list(self._running.values()):
            cancellation.request()

    def run(self, lease: Lease, job: worker_pb2.ClaimedJob) -> None:
        """Makes one attempt; whatever happens is reported, or left to the lease."""
        cancellation = Cancellation()
        self._running[lease.token] = cancellation
        if self._draining:
            cancellation.request()
        beat_s = job.heartbeat_interval.ToTimedelta().total_seconds()
        try:
            with Heartbeats(self._core, lease, beat_s, cancellation) as heartbeats:
                self._attempt(lease, job, cancellation, heartbeats)
        except TaskForgeError as refusal:
            log.info("job %s is no longer this worker's: %s", lease.job_id, refusal.message)
        except grpc.RpcError as fault:
            log.warning(
                "job %s could not be reported and is left to its lease: %s", lease.job_id, fault
            )
        finally:
            del self._running[lease.token]

    def _attempt(
        self,
        lease: Lease,
        job: worker_pb2.ClaimedJob,
        cancellation: Cancellation,
        heartbeats: Heartbeats,
    ) -> None:
        try:
            document = generate(
                _generation_job(job),
                self._provider,
                deadline=self._deadline(job),
                cancellation=cancellation,
                report=heartbeats.report,
            )
            result = decode(result_pb2.TicketsResult, document, nulls=True)
        except GenerationCancelled:
            # Released when this worker stops. On a job whose client has
            # cancelled it any report, this one too, confirms the cancellation.
            self._core.release(lease)
        except GenerationError as error:
            log.warning(
                "job %s, attempt %d: %s: %s", job.job_id, job.attempt, error.code, error.message
            )
            self._core.fail(lease, error)
        except Exception:
            log.exception("job %s, attempt %d failed", job.job_id, job.attempt)
            self._core.fail(lease, _internal_error())
        else:
            self._complete(lease, result)

    def _complete(self, lease: Lease, result: result_pb2.TicketsResult) -> None:
        self._core.complete(lease, result)
        log.info("job %s is completed with %d tickets", lease.job_id, len(result.tickets))

    def _deadline(self, job: worker_pb2.ClaimedJob) -> float:
        """When generation has to be over, on the monotonic clock: its timeout, or the job's end."""
        left = job.expires_at.ToDatetime(tzinfo=UTC) - datetime.now(tz=UTC)
        return time.monotonic() + max(0.0, min(self._timeout_s, left.total_seconds()))


def _generation_job(job: worker_pb2.ClaimedJob) -> GenerationJob:
    options = job.options
    return GenerationJob(
        job_id=job.job_id,
        title=job.title,
        spec=job.spec,
        ticket_count=options.ticket_count if options.HasField("ticket_count") else None,
        max_ticket_count=options.max_ticket_count,
        include_epics=options.include_epics,
        output_detail=_DETAIL[options.output_detail],
    )


def _internal_error() -> GenerationError:
    return GenerationError(
        JobErrorCode.INTERNAL_ERROR, "the worker met an internal error", retryable=True
    )
