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
    """A job as its client sees it, but for the id, which its client brings."""

    status: str
    stage: str
    created_at: int
    updated_at: int
    expires_at: int
    error_code: str | None
    error_message: str | None


# The columns of a view, in order.
VIEW = (
    *(Job.status, Job.stage, Job.created_at, Job.updated_at, Job.expires_at),
    *(Job.error_code, Job.error_message),
)


def job_response(job_id: str | UUID, job: Job | JobView) -> jobs_pb2.TicketsJobResponse:
    message = jobs_pb2.TicketsJobResponse(
        schema_version=contract.JOB_VERSION,
        job_id=str(job_id),
        status=STATUS[job.status],
        stage=_STAGE[job.stage],
    )
    clock.put(message.created_at, job.created_at)
    clock.put(message.updated_at, job.updated_at)
    clock.put(message.expires_at, job.expires_at)
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
