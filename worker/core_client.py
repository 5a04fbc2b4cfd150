"""Calls to core: claims and reports, each with a deadline, tried again while core is away."""

import logging
import os
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import grpc
from taskforge.tickets.v1 import jobs_pb2, result_pb2
from taskforge.worker.v1 import deliveries_pb2, deliveries_pb2_grpc, worker_pb2, worker_pb2_grpc

from tickets.codec import enum_numbers
from tickets.errors import Reason, TaskForgeError
from tickets.lifecycle import Stage
from tickets.status import from_trailers
from worker.callbacks.post import Answer
from worker.generation.job import GenerationError

log = logging.getLogger(__name__)

_DEADLINE_S = 10.0
# Longer than core makes a worker wait for a cancellation.
_LONG_POLL_S = 30.0
# How long a report is tried for. After an outage core waits for it before it
# gives the job to another, however long it was away.
_REPORT_FOR_S = 3600.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0

_STAGES = enum_numbers(jobs_pb2.JobStage.DESCRIPTOR)
# A core that is stopped cancels the calls that it does not finish.
_TRANSIENT = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
_LEASE_ENDED = {Reason.LEASE_LOST, Reason.CANCEL_REQUESTED}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lease:
    """The job that a worker holds, and the token that says so."""

    job_id: str
    token: str


@dataclass(frozen=True, slots=True)
class DeliveryLease:
    """The delivery that a worker holds, and the token that says so."""

    delivery_id: str
    token: str


class CoreClient:
    """A worker process's one connection to core. Safe to share between threads.

    A call raises `TaskForgeError` with LEASE_LOST or CANCEL_REQUESTED when the
    job or delivery is no longer the worker's, and `grpc.RpcError` when core
    stayed away.
    """

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        self.worker_id = f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid4().hex[:8]}"
        self._stub = worker_pb2_grpc.WorkerServiceStub(channel)
        self._deliveries = deliveries_pb2_grpc.DeliveriesServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {token}"),)

    def claim(self) -> tuple[Lease, worker_pb2.ClaimedJob] | None:
        """The next job, or None. A claim whose answer was lost is repeated with its token."""
        token = str(uuid4())
        request = worker_pb2.ClaimJobRequest(worker_id=self.worker_id, lease_token=token)
        answer = self._patiently(self._stub.ClaimJob, request, for_s=_DEADLINE_S)
        return (Lease(answer.job.job_id, token), answer.job) if answer.HasField("job") else None

    def heartbeat(self, lease: Lease, stage: Stage | None, progress: str) -> None:
        request = worker_pb2.HeartbeatRequest(
            job_id=lease.job_id,
            lease_token=lease.token,
            stage=_STAGES[stage] if stage else jobs_pb2.JOB_STAGE_UNSPECIFIED,
            progress=progress[:200],
        )
        self._once(self._stub.Heartbeat, request)

    def complete(self, lease: Lease, result: result_pb2.TicketsResult, provenance: bytes) -> bool:
        """Completes the job; true: no other job waits just now."""
        request = worker_pb2.CompleteJobRequest(
            job_id=lease.job_id, lease_token=lease.token, result=result, provenance=provenance
        )
        return self._patiently(self._stub.CompleteJob, request).nothing_waits

    def fail(self, lease: Lease, error: GenerationError, provenance: bytes) -> None:
        request = worker_pb2.FailJobRequest(
            job_id=lease.job_id,
            lease_token=lease.token,
            error=jobs_pb2.TicketsJobError(code=error.code.value, message=error.message),
            retryable=error.retryable,
            provenance=provenance,
        )
        if error.retry_after is not None:
            request.retry_after.FromTimedelta(max(error.retry_after, timedelta()))
        self._patiently(self._stub.FailJob, request)

    def release(self, lease: Lease) -> None:
        request = worker_pb2.ReleaseJobRequest(job_id=lease.job_id, lease_token=lease.token)
        self._patiently(self._stub.ReleaseJob, request, for_s=_DEADLINE_S)

    def claim_delivery(self) -> tuple[DeliveryLease, deliveries_pb2.ClaimedDelivery] | None:
        """The next callback to deliver, or None; otherwise like `claim`."""
        token = str(uuid4())
        request = deliveries_pb2.ClaimDeliveryRequest(worker_id=self.worker_id, lease_token=token)
        answer = self._patiently(self._deliveries.ClaimDelivery, request, for_s=_DEADLINE_S)
        if not answer.HasField("delivery"):
            return None
        return DeliveryLease(answer.delivery.delivery_id, token), answer.delivery

    def report_delivery(self, lease: DeliveryLease, answer: Answer) -> None:
        request = deliveries_pb2.ReportDeliveryRequest(
            delivery_id=lease.delivery_id, lease_token=lease.token
        )
        if answer.http_status is not None:
            request.http_status = answer.http_status
        else:
            request.problem = answer.problem
        if answer.retry_after is not None:
            request.retry_after.FromTimedelta(answer.retry_after)
        self._patiently(self._deliveries.ReportDelivery, request)

    def release_delivery(self, lease: DeliveryLease) -> None:
        request = deliveries_pb2.ReleaseDeliveryRequest(
            delivery_id=lease.delivery_id, lease_token=lease.token
        )
        self._patiently(self._deliveries.ReleaseDelivery, request, for_s=_DEADLINE_S)

    def await_cancellations(self, slots: int, delivery_slots: int, known: set[str]) -> list[str]:
        """The tokens of leases to give up; waits for one, up to about 20 seconds."""
        request = worker_pb2.AwaitCancellationsRequest(
            worker_id=self.worker_id,
            slots=slots,
            delivery_slots=delivery_slots,
            known_lease_tokens=sorted(known),
        )
        answer = self._once(self._stub.AwaitCancellations, request, deadline_s=_LONG_POLL_S)
        return list(answer.lease_tokens)

    def _once(
        self, method: Callable[..., T], request: Any, *, deadline_s: float = _DEADLINE_S
    ) -> T:
        try:
            return method(request, timeout=deadline_s, metadata=self._metadata)
        except grpc.RpcError as fault:
            refusal = from_trailers(fault.trailing_metadata())
            if refusal is None:
                raise
            raise refusal from None

    def _patiently(
        self, method: Callable[..., T], request: Any, *, for_s: float = _REPORT_FOR_S
    ) -> T:
        """Calls again with growing pauses while core or its database is away."""
        give_up_at = time.monotonic() + for_s
        pause = _FIRST_PAUSE_S
        while True:
            try:
                return self._once(method, request)
            except (TaskForgeError, grpc.RpcError) as fault:
                if not _passing(fault) or time.monotonic() + pause > give_up_at:
                    raise
                log.warning("core is away, trying again in %.1f s: %s", pause, _brief(fault))
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries only
            pause = min(2 * pause, _LONGEST_PAUSE_S)


def ends_lease(fault: Exception) -> bool:
    """Whether core has said that the job is no longer this worker's."""
    return isinstance(fault, TaskForgeError) and fault.reason in _LEASE_ENDED


def _passing(fault: Exception) -> bool:
    if isinstance(fault, TaskForgeError):
        return fault.reason is Reason.STORAGE_ERROR
    return isinstance(fault, grpc.Call) and fault.code() in _TRANSIENT


def _brief(fault: Exception) -> str:
    return str(fault.details()) if isinstance(fault, grpc.Call) else str(fault)
