"""How a job is shown to its client, by whoever shows it."""

from typing import NamedTuple
from uuid import UUID

from taskforge.tickets.v1 import jobs_pb2

from core import clock
from core.models import Job
from tickets import contract
from tickets.codec import enum_numbers

STATUS = enum_numbers(jobs_pb2.JobStatus.DESCRIPTOR)
_STAGE = enum_numbers(jobs_pb2.JobStage.DESCRIPTOR)
_JOBS_PATH = "/tickets/v1/jobs"


class JobView(NamedTuple):
    """A job as its client sees it."""

    id: UUID
    status: str
    stage: str
    created_at: int
    updated_at: int
    expires_at: int
    error_code: str | None
    error_message: str | None


# The columns of a view, in order.
VIEW = (
    *(Job.id, Job.status, Job.stage, Job.created_at, Job.updated_at, Job.expires_at),
    *(Job.error_code, Job.error_message),
)


def job_response(job: Job | JobView) -> jobs_pb2.TicketsJobResponse:
    message = jobs_pb2.TicketsJobResponse(
        schema_version=contract.JOB_VERSION,
        job_id=str(job.id),
        status=STATUS[job.status],
        stage=_STAGE[job.stage],
        created_at=clock.timestamp(job.created_at),
        updated_at=clock.timestamp(job.updated_at),
        expires_at=clock.timestamp(job.expires_at),
    )
    if job.error_code is not None and job.error_message is not None:
        message.error.code = job.error_code
        message.error.message = job.error_message
    return message


def status_url(job_id: UUID) -> str:
    """Path of GetTicketsJob for a job."""
    return f"{_JOBS_PATH}/{job_id}"


def result_url(job_id: UUID) -> str:
    """Path of GetTicketsJobResult for a job."""
    return f"{status_url(job_id)}/result"
