"""`taskforge.worker.v1.WorkerService`: claims and reports."""

from datetime import timedelta
from uuid import UUID

import grpc
from taskforge.tickets.v1 import jobs_pb2
from taskforge.worker.v1 import worker_pb2, worker_pb2_grpc

from core import choice, clock, leases, presence, replays
from core.cancellations import Cancellations
from core.database import give_up_connection
from core.leases import Lease, Outcome
from core.wakeups import Wakeups
from tickets.codec import encode, enum_texts, to_json
from tickets.errors import JobErrorCode, Reason, TaskForgeError
from tickets.lifecycle import Stage
from tickets.settings import Settings
from tickets.validation import result_problems

_LONGEST_MESSAGE = 2000
_STAGES = enum_texts(jobs_pb2.JobStage.DESCRIPTOR)


class Workers(worker_pb2_grpc.WorkerServiceServicer):
    def __init__(self, settings: Settings, wakeups: Wakeups, cancellations: Cancellations) -> None:
        self._settings = settings
        self._wakeups = wakeups
        self._cancellations = cancellations

    def ClaimJob(
        self, request: worker_pb2.ClaimJobRequest, context: grpc.ServicerContext
    ) -> worker_pb2.ClaimJobResponse:
        claimed = leases.claim(request.worker_id, UUID(request.lease_token), self._settings)
        if claimed is None:
            return worker_pb2.ClaimJobResponse()
        job, texts = claimed
        message = worker_pb2.ClaimedJob(
            job_id=str(job.id),
            attempt=job.failures + 1,
            title=texts.title,
            spec=texts.spec,
            options=jobs_pb2.TicketGenerationOptions.FromString(texts.options),
        )
        replayed = replays.link(job.id, job.client_id)
        if replayed is not None:
            message.model = replayed.model
        message.time_left.FromMicroseconds(max(0, job.expires_at - clock.now()))
        message.heartbeat_interval.FromTimedelta(timedelta(seconds=self._settings.heartbeat_s))
        return worker_pb2.ClaimJobResponse(job=message)

    def Heartbeat(
        self, request: worker_pb2.HeartbeatRequest, context: grpc.ServicerContext
    ) -> worker_pb2.HeartbeatResponse:
        stage = _STAGES.get(request.stage)
        expires_at = leases.heartbeat(
            _lease(request),
            Stage(stage) if stage else None,
            _text(request.progress),
            self._settings,
        )
        return worker_pb2.HeartbeatResponse(lease_expires_at=clock.timestamp(expires_at))

    def CompleteJob(
        self, request: worker_pb2.CompleteJobRequest, context: grpc.ServicerContext
    ) -> worker_pb2.CompleteJobResponse:
        lease = _lease(request)
        leases.check(lease)
        leases.complete(lease, _outcome(request), request.provenance)
        return worker_pb2.CompleteJobResponse(nothing_waits=not choice.is_there_any(clock.now()))

    def FailJob(
        self, request: worker_pb2.FailJobRequest, context: grpc.ServicerContext
    ) -> worker_pb2.FailJobResponse:
        known = request.error.code in set(JobErrorCode)
        again_at = leases.fail(
            _lease(request),
            JobErrorCode(request.error.code) if known else JobErrorCode.INTERNAL_ERROR,
            _text(request.error.message)[:_LONGEST_MESSAGE],
            retryable=request.retryable,
            retry_after=(
                request.retry_after.ToTimedelta() if request.HasField("retry_after") else None
            ),
            provenance=request.provenance,
            settings=self._settings,
        )
        if again_at is not None:
            self._wakeups.send_at(again_at)
        return worker_pb2.FailJobResponse()

    def ReleaseJob(
        self, request: worker_pb2.ReleaseJobRequest, context: grpc.ServicerContext
    ) -> worker_pb2.ReleaseJobResponse:
        leases.release(_lease(request))
        self._wakeups.send()
        return worker_pb2.ReleaseJobResponse()

    def AwaitCancellations(
        self, request: worker_pb2.AwaitCancellationsRequest, context: grpc.ServicerContext
    ) -> worker_pb2.AwaitCancellationsResponse:
        if presence.record(request.worker_id, request.slots, request.delivery_slots):
            # Jobs may wait that so far had no slot to be woken for.
            self._wakeups.top_up()
        give_up_connection()
        tokens = self._cancellations.wait(
            request.worker_id, request.known_lease_tokens, context.add_callback
        )
        return worker_pb2.AwaitCancellationsResponse(lease_tokens=tokens)


def _text(brought: str) -> str:
    """Text that any database can hold; what a model's server says may have a NUL in it."""
    return brought.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _lease(
    request: worker_pb2.HeartbeatRequest
    | worker_pb2.CompleteJobRequest
    | worker_pb2.FailJobRequest
    | worker_pb2.ReleaseJobRequest,
) -> Lease:
    return Lease(UUID(request.job_id), UUID(request.lease_token))


def _outcome(request: worker_pb2.CompleteJobRequest) -> Outcome:
    """The result as it will be stored and served.

    Raises:
        TaskForgeError: RESULT_INVALID; what is stored can be served.
    """
    document = encode(request.result)
    problems = result_problems(document)
    if request.result.job_id != request.job_id:
        problems.append("job_id: is not this job's")
    if problems:
        raise TaskForgeError(Reason.RESULT_INVALID, "; ".join(problems))
    return Outcome(
        message=request.result.SerializeToString(deterministic=True), document=to_json(document)
    )
