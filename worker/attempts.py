"""One attempt at a job, from the claim to the report."""

import logging
import time

import grpc
from taskforge.tickets.v1 import jobs_pb2, result_pb2
from taskforge.worker.v1 import worker_pb2

from tickets.codec import enum_texts
from tickets.decoding import decode
from tickets.errors import JobErrorCode, Reason, TaskForgeError
from worker.cancellation import Cancellation
from worker.core_client import CoreClient, Lease, ends_lease
from worker.generation.job import GenerationCancelled, GenerationError, GenerationJob
from worker.generation.journal import Journal
from worker.generation.pipeline import generate
from worker.heartbeats import Heartbeats
from worker.provenance import packed
from worker.provider import Provider

log = logging.getLogger(__name__)

_DETAIL = enum_texts(jobs_pb2.OutputDetail.DESCRIPTOR)
# What core would say of the same result again: it is wrong, or larger than core takes.
_UNTAKEABLE = {Reason.RESULT_INVALID, Reason.INVALID_ARGUMENT}
_TOO_LARGE = grpc.StatusCode.RESOURCE_EXHAUSTED


class Attempts:
    """Runs attempts with one provider, and can stop those that are running."""

    def __init__(self, core: CoreClient, provider: Provider, timeout_s: float) -> None:
        self._core = core
        self._provider = provider
        self._timeout_s = timeout_s
        self._running: dict[str, Cancellation] = {}
        self._draining = False

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

    def run(self, lease: Lease, job: worker_pb2.ClaimedJob) -> bool:
        """Makes one attempt; whatever happens is reported, or left to the lease.

        Returns:
            Whether core has said that no other job waits.
        """
        cancellation = Cancellation()
        self._running[lease.token] = cancellation
        if self._draining:
            cancellation.request()
        beat_s = job.heartbeat_interval.ToTimedelta().total_seconds()
        try:
            with Heartbeats(self._core, lease, beat_s, cancellation) as heartbeats:
                return self._attempt(lease, job, cancellation, heartbeats)
        except TaskForgeError as refusal:
            if ends_lease(refusal):
                log.info("job %s is no longer this worker's: %s", lease.job_id, refusal.message)
            else:
                _left_to_lease(lease, refusal)
        except grpc.RpcError as fault:
            _left_to_lease(lease, fault)
        finally:
            del self._running[lease.token]
        return False

    def _attempt(
        self,
        lease: Lease,
        job: worker_pb2.ClaimedJob,
        cancellation: Cancellation,
        heartbeats: Heartbeats,
    ) -> bool:
        journal = Journal()
        try:
            document = generate(
                _generation_job(job),
                self._provider.using(job.model),
                deadline=self._deadline(job),
                cancellation=cancellation,
                report=heartbeats.report,
                journal=journal,
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
            self._core.fail(lease, error, self._told(journal))
        except Exception:
            log.exception("job %s, attempt %d failed", job.job_id, job.attempt)
            self._core.fail(lease, _internal_error(), self._told(journal))
        else:
            return self._complete(lease, result, self._told(journal))
        return False

    def _complete(self, lease: Lease, result: result_pb2.TicketsResult, told: bytes) -> bool:
        try:
            nothing_waits = self._core.complete(lease, result, told)
        except (TaskForgeError, grpc.RpcError) as fault:
            if not _is_about_the_result(fault):
                raise
            log.warning("core does not take the result of job %s: %s", lease.job_id, fault)
            self._core.fail(lease, _output_refused(), told)
            return False
        log.info("job %s is completed with %d tickets", lease.job_id, len(result.tickets))
        return nothing_waits

    def _told(self, journal: Journal) -> bytes:
        """What operators will be told of the attempt; it must not be what the attempt fails by."""
        try:
            return packed(journal, self._core.worker_id)
        except Exception:
            log.exception("an attempt cannot be told of")
            return b""

    def _deadline(self, job: worker_pb2.ClaimedJob) -> float:
        """When generation has to be over, on the monotonic clock: its timeout, or the job's end."""
        left_s = job.time_left.ToTimedelta().total_seconds()
        return time.monotonic() + min(self._timeout_s, left_s)


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


def _is_about_the_result(fault: TaskForgeError | grpc.RpcError) -> bool:
    if isinstance(fault, TaskForgeError):
        return fault.reason in _UNTAKEABLE
    return isinstance(fault, grpc.Call) and fault.code() is _TOO_LARGE


def _left_to_lease(lease: Lease, fault: Exception) -> None:
    log.warning("job %s could not be reported and is left to its lease: %s", lease.job_id, fault)


def _output_refused() -> GenerationError:
    return GenerationError(
        JobErrorCode.MODEL_OUTPUT_INVALID, "the tickets break a rule of the result", retryable=False
    )


def _internal_error() -> GenerationError:
    return GenerationError(
        JobErrorCode.INTERNAL_ERROR, "the worker met an internal error", retryable=True
    )
