"""`taskforge.admin.v1.JobsService`: how tickets came about, and running a job again."""

from uuid import UUID

import grpc
from taskforge.admin.v1 import jobs_pb2, jobs_pb2_grpc
from taskforge.tickets.v1 import result_pb2

from core import attempts, clock, jobs, replays
from core.messages import job_response
from core.models import Client, Job, JobAttempt, JobResult
from core.wakeups import Wakeups
from tickets.codec import enum_numbers
from tickets.settings import Settings

_OUTCOME = enum_numbers(jobs_pb2.AttemptOutcome.DESCRIPTOR)


class Jobs(jobs_pb2_grpc.JobsServiceServicer):
    def __init__(self, settings: Settings, wakeups: Wakeups) -> None:
        self._settings = settings
        self._wakeups = wakeups

    def GetJob(
        self, request: jobs_pb2.GetJobRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.Job:
        return _message(jobs.of_anybody(UUID(request.job_id)))

    def ListAttempts(
        self, request: jobs_pb2.ListAttemptsRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.ListAttemptsResponse:
        found = attempts.of_job(UUID(request.job_id))
        return jobs_pb2.ListAttemptsResponse(attempts=[_attempt(attempt) for attempt in found])

    def ReplayJob(
        self, request: jobs_pb2.ReplayJobRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.Job:
        replay = replays.start(UUID(request.job_id), request.model, self._settings)
        self._wakeups.submitted(replay.id)
        return _message(replay)


def _message(job: Job) -> jobs_pb2.Job:
    message = jobs_pb2.Job(
        job=job_response(job.id, job), replays=[str(replay) for replay in replays.of_job(job.id)]
    )
    replayed = replays.link(job.id, job.client_id)
    if replayed is None:
        message.client_name = Client.get_by_id(job.client_id).name
    else:
        message.replay_of, message.model = str(replayed.original_id), replayed.model
    result: JobResult | None = JobResult.get_or_none(JobResult.job == job.id)
    if result is not None:
        message.result.CopyFrom(result_pb2.TicketsResult.FromString(bytes(result.message)))
    return message


def _attempt(attempt: JobAttempt) -> jobs_pb2.Attempt:
    return jobs_pb2.Attempt(
        number=attempt.number,
        ended_at=clock.timestamp(attempt.ended_at),
        outcome=_OUTCOME[attempt.outcome],
        provenance=attempts.unpacked(bytes(attempt.provenance)),
    )
