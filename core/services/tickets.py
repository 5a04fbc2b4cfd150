"""`taskforge.tickets.v1.TicketsService`: the jobs of the calling client."""

import json

import grpc
from google.api.httpbody_pb2 import HttpBody
from taskforge.tickets.v1 import jobs_pb2, jobs_pb2_grpc, result_pb2

from core import clock, jobs, page_tokens, trailers
from core.access import caller
from core.cancellations import Cancellations
from core.jobs import JobView
from core.models import Job
from core.wakeups import Wakeups
from tickets import contract
from tickets.callback_url import problem as callback_problem
from tickets.codec import enum_numbers
from tickets.errors import FieldProblem, TaskForgeError
from tickets.settings import Settings

_PAGE = 100
_STATUS = enum_numbers(jobs_pb2.JobStatus.DESCRIPTOR)
_STAGE = enum_numbers(jobs_pb2.JobStage.DESCRIPTOR)
_JOBS_PATH = "/tickets/v1/jobs"


class Tickets(jobs_pb2_grpc.TicketsServiceServicer):
    def __init__(self, settings: Settings, wakeups: Wakeups, cancellations: Cancellations) -> None:
        self._ttl_s = settings.job_ttl_s
        self._schema_json = json.dumps(contract.result_schema(), separators=(",", ":"))
        self._wakeups = wakeups
        self._cancellations = cancellations

    def SubmitTicketsJob(
        self, request: jobs_pb2.TicketsJobSubmitRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobAcceptedResponse:
        job, new = jobs.submit(caller(), _submission(request), self._ttl_s)
        if new:
            self._wakeups.submitted(job.id)
        path = f"{_JOBS_PATH}/{job.id}"
        return jobs_pb2.TicketsJobAcceptedResponse(
            schema_version=contract.JOB_VERSION,
            job_id=str(job.id),
            status=_STATUS[job.status],
            status_url=path,
            result_url=f"{path}/result",
            created_at=clock.timestamp(job.created_at),
        )

    def ListTicketsJobs(
        self, request: jobs_pb2.ListTicketsJobsRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobListResponse:
        size = request.page_size or _PAGE
        after = page_tokens.decode(request.page_token)
        # One more than asked for tells whether there is a next page.
        found = jobs.list_page(caller(), size + 1, after)
        page = found[:size]
        more = len(found) > size
        return jobs_pb2.TicketsJobListResponse(
            jobs=[_message(job) for job in page],
            next_page_token=page_tokens.encode(_position(page[-1])) if more else "",
        )

    def GetTicketsJob(
        self, request: jobs_pb2.GetTicketsJobRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobResponse:
        return _message(jobs.get(caller(), request.job_id))

    def CancelTicketsJob(
        self, request: jobs_pb2.CancelTicketsJobRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobResponse:
        job = jobs.cancel(caller(), request.job_id)
        # A worker that waits on this core hears of it now, others within a second.
        self._cancellations.look()
        return _message(job)

    def GetTicketsJobResult(
        self, request: jobs_pb2.GetTicketsJobResultRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobResultResponse:
        job = jobs.ended(caller(), request.job_id)
        metadata = dict(context.invocation_metadata())
        as_json = metadata.get("accept") == "application/json"
        stored = jobs.result_document(job) if as_json else jobs.result_message(job)
        if stored is None:
            return jobs_pb2.TicketsJobResultResponse(job=_message(job))
        trailers.add("etag", stored.tag)
        if not as_json:
            result = result_pb2.TicketsResult.FromString(stored.content)
            return jobs_pb2.TicketsJobResultResponse(result=result)
        known = stored.tag in str(metadata.get("if-none-match", "")).split()
        body = HttpBody(data=b"" if known else stored.content)
        return jobs_pb2.TicketsJobResultResponse(document=body)

    def GetTicketsSchema(
        self, request: jobs_pb2.GetTicketsSchemaRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsSchemaResponse:
        return jobs_pb2.TicketsSchemaResponse(
            input_schema_version=contract.INPUT_VERSION,
            result_schema_version=contract.RESULT_VERSION,
            schema_json=self._schema_json,
        )


def _submission(request: jobs_pb2.TicketsJobSubmitRequest) -> jobs.Submission:
    """The request with defaults filled in, so that leaving one out changes nothing.

    Raises:
        TaskForgeError: INVALID_ARGUMENT, for what no rule at a field can say.
    """
    options = _with_defaults(request.options)
    fault = callback_problem(request.callback_url) if request.HasField("callback_url") else None
    if fault:
        raise TaskForgeError.invalid(FieldProblem("callback_url", fault))
    compared = jobs_pb2.TicketsJobSubmitRequest()
    compared.CopyFrom(request)
    compared.options.CopyFrom(options)
    # A field of a later version means nothing here.
    compared.DiscardUnknownFields()
    return jobs.Submission(
        idempotency_key=request.idempotency_key,
        title=request.title,
        spec=request.spec,
        options=options,
        callback_url=request.callback_url if request.HasField("callback_url") else None,
        content=compared.SerializeToString(deterministic=True),
    )


def _with_defaults(
    given: jobs_pb2.TicketGenerationOptions,
) -> jobs_pb2.TicketGenerationOptions:
    options = jobs_pb2.TicketGenerationOptions(
        max_ticket_count=contract.MAX_TICKETS,
        include_epics=True,
        dependency_mode=jobs_pb2.DEPENDENCY_MODE_EXPLICIT,
        output_detail=jobs_pb2.OUTPUT_DETAIL_STANDARD,
    )
    options.MergeFrom(given)
    return options


def _position(job: Job) -> page_tokens.Position:
    return page_tokens.Position(job.created_at, job.id)


def _message(job: Job | JobView) -> jobs_pb2.TicketsJobResponse:
    message = jobs_pb2.TicketsJobResponse(
        schema_version=contract.JOB_VERSION,
        job_id=str(job.id),
        status=_STATUS[job.status],
        stage=_STAGE[job.stage],
        created_at=clock.timestamp(job.created_at),
        updated_at=clock.timestamp(job.updated_at),
        expires_at=clock.timestamp(job.expires_at),
    )
    if job.error_code is not None and job.error_message is not None:
        message.error.code = job.error_code
        message.error.message = job.error_message
    return message
