"""`taskforge.tickets.v1.TicketsService`: the jobs of the calling client."""

import json
from collections.abc import Collection

import grpc
from google.api.httpbody_pb2 import HttpBody
from taskforge.tickets.v1 import jobs_pb2, jobs_pb2_grpc, result_pb2

from core import clock, jobs, page_tokens, trailers
from core.access import caller
from core.cancellations import Cancellations
from core.messages import STATUS, job_response, result_url, status_url
from core.models import Job
from core.wakeups import Wakeups
from tickets import contract
from tickets.callback_url import problem as callback_problem
from tickets.errors import FieldProblem, TaskForgeError
from tickets.settings import Settings

_PAGE = 100


class Tickets(jobs_pb2_grpc.TicketsServiceServicer):
    def __init__(self, settings: Settings, wakeups: Wakeups, cancellations: Cancellations) -> None:
        self._ttl_s = settings.job_ttl_s
        self._internal_hosts = settings.callback_internal_hosts
        self._schema_json = json.dumps(contract.result_schema(), separators=(",", ":"))
        self._wakeups = wakeups
        self._cancellations = cancellations

    def SubmitTicketsJob(
        self, request: jobs_pb2.TicketsJobSubmitRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobAcceptedResponse:
        job, new = jobs.submit(caller(), _submission(request, self._internal_hosts), self._ttl_s)
        if new:
            self._wakeups.submitted(job.id)
        return jobs_pb2.TicketsJobAcceptedResponse(
            schema_version=contract.JOB_VERSION,
            job_id=str(job.id),
            status=STATUS[job.status],
            status_url=status_url(job.id),
            result_url=result_url(job.id),
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
            jobs=[job_response(job.id, job) for job in page],
            next_page_token=page_tokens.encode(_position(page[-1])) if more else "",
        )

    def GetTicketsJob(
        self, request: jobs_pb2.GetTicketsJobRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobResponse:
        job_id = request.job_id.lower()
        return job_response(job_id, jobs.get(caller(), job_id))

    def CancelTicketsJob(
        self, request: jobs_pb2.CancelTicketsJobRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobResponse:
        job_id = request.job_id.lower()
        job = jobs.cancel(caller(), job_id)
        # A worker that waits on this core hears of it now, others within a second.
        self._cancellations.look()
        return job_response(job_id, job)

    def GetTicketsJobResult(
        self, request: jobs_pb2.GetTicketsJobResultRequest, context: grpc.ServicerContext
    ) -> jobs_pb2.TicketsJobResultResponse:
        job_id = request.job_id.lower()
        job = jobs.ended(caller(), job_id)
        metadata = dict(context.invocation_metadata())
        as_json = metadata.get("accept") == "application/json"
        stored = jobs.result_document(job_id) if as_json else jobs.result_message(job_id)
        if stored is None:
            return jobs_pb2.TicketsJobResultResponse(job=job_response(job_id, job))
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


def _submission(
    request: jobs_pb2.TicketsJobSubmitRequest, internal_hosts: Collection[str]
) -> jobs.Submission:
    """The request with defaults filled in, so that leaving one out changes nothing.

    Raises:
        TaskForgeError: INVALID_ARGUMENT, for what no rule at a field can say.
    """
    options = _with_defaults(request.options)
    if request.HasField("callback_url") and (
        fault := callback_problem(request.callback_url, internal_hosts)
    ):
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
