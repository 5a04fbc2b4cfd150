"""Core by direct gRPC: the same jobs with the same key, and refusals that say why in detail."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from taskforge.admin.v1 import clients_pb2
from taskforge.tickets.v1 import jobs_pb2, jobs_pb2_grpc
from taskforge.worker.v1 import worker_pb2

from tests.hands import Hands
from tests.operators import another_key, suspend, switch_tickets
from tests.refusals import reason_of, refused, status_of
from tests.stack import SPEC, Caller, Stack, request
from tickets import contract
from tickets.errors import WIRE, Reason

UNKNOWN = str(uuid4())


def submit_request(**changes: Any) -> jobs_pb2.TicketsJobSubmitRequest:
    return jobs_pb2.TicketsJobSubmitRequest(**request(**changes))


def test_a_client_of_ten_lines_does_the_whole_job(idle_caller: Caller, hands: Hands) -> None:
    address, key = idle_caller.stack.environ["TASKFORGE_CORE_ADDR"], idle_caller.key

    with grpc.insecure_channel(address) as channel:
        tickets = jobs_pb2_grpc.TicketsServiceStub(channel)
        auth = (("authorization", f"Bearer {key}"),)
        accepted = tickets.SubmitTicketsJob(
            jobs_pb2.TicketsJobSubmitRequest(
                schema_version="tickets.input.v1", idempotency_key="one", title="T", spec=SPEC
            ),
            metadata=auth,
        )
        hands.complete(hands.take(accepted.job_id))
        named = jobs_pb2.GetTicketsJobRequest(job_id=accepted.job_id)
        job = tickets.GetTicketsJob(named, metadata=auth)
        wanted = jobs_pb2.GetTicketsJobResultRequest(job_id=accepted.job_id)
        answer = tickets.GetTicketsJobResult(wanted, metadata=auth)

    assert job.status == jobs_pb2.JOB_STATUS_COMPLETED
    assert [ticket.external_id for ticket in answer.result.tickets] == ["SPEC-1", "SPEC-2"]
    assert not answer.result.tickets[0].HasField("story_points")
    assert idle_caller.get(accepted.result_url).json()["job_id"] == accepted.job_id


@pytest.mark.parametrize(
    "sent", [b"\xff\xff\xff", b"\x1a\x02\xc3\x28"], ids=["no message", "no UTF-8"]
)
def test_what_is_no_message_is_refused_like_any_bad_request(
    idle_caller: Caller, sent: bytes
) -> None:
    raw: Any = idle_caller.stack.channel.unary_unary(
        "/taskforge.tickets.v1.TicketsService/SubmitTicketsJob"
    )

    assert reason_of(raw, sent) == "KEY_MISSING"
    assert reason_of(raw, sent, idle_caller.metadata) == "INVALID_ARGUMENT"
    assert "Traceback" not in idle_caller.stack.core.log.read_text(encoding="utf-8")


def test_a_field_of_a_later_version_is_no_other_content(idle_caller: Caller) -> None:
    submit = idle_caller.stack.tickets.SubmitTicketsJob
    asked = submit_request()
    later = jobs_pb2.TicketsJobSubmitRequest.FromString(asked.SerializeToString() + b"\xf8\x3f\x01")

    first = submit(asked, metadata=idle_caller.metadata)

    assert submit(later, metadata=idle_caller.metadata).job_id == first.job_id


@pytest.mark.parametrize("rpc", ["GetTicketsJob", "GetTicketsJobResult", "CancelTicketsJob"])
def test_an_unknown_job_is_not_found(idle_caller: Caller, rpc: str) -> None:
    method = getattr(idle_caller.stack.tickets, rpc)
    asked = getattr(jobs_pb2, f"{rpc}Request")(job_id=UNKNOWN)

    call = refused(method, asked, idle_caller.metadata)

    assert call.code() is grpc.StatusCode.NOT_FOUND
    assert reason_of(method, asked, idle_caller.metadata) == "JOB_NOT_FOUND"


def test_a_result_that_is_not_ready_says_when_to_come_back(idle_caller: Caller) -> None:
    asked = jobs_pb2.GetTicketsJobResultRequest(job_id=idle_caller.submit())

    call = refused(idle_caller.stack.tickets.GetTicketsJobResult, asked, idle_caller.metadata)

    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    details = status_of(call).details
    assert call.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert [detail.Unpack(info) for detail in details].count(True) == 1
    assert [detail.Unpack(retry) for detail in details].count(True) == 1
    assert (info.reason, info.domain) == ("RESULT_NOT_READY", "taskforge")
    assert retry.retry_delay.ToTimedelta().total_seconds() >= 1


def test_cancelling_twice_and_too_late_have_reasons_of_their_own(
    idle_caller: Caller, hands: Hands
) -> None:
    cancel = idle_caller.stack.tickets.CancelTicketsJob
    done = idle_caller.submit()
    hands.complete(hands.take(done))
    gone = jobs_pb2.CancelTicketsJobRequest(job_id=idle_caller.submit())
    cancel(gone, metadata=idle_caller.metadata)
    late = jobs_pb2.CancelTicketsJobRequest(job_id=done)

    assert reason_of(cancel, gone, idle_caller.metadata) == "JOB_CANCELLED"
    assert reason_of(cancel, late, idle_caller.metadata) == "NOT_CANCELLABLE"


def test_a_wrong_request_names_its_fields(idle_caller: Caller) -> None:
    wrong = submit_request(title=" ", options={"ticket_count": 51})

    call = refused(idle_caller.stack.tickets.SubmitTicketsJob, wrong, idle_caller.metadata)

    bad = error_details_pb2.BadRequest()
    assert call.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert any(detail.Unpack(bad) for detail in status_of(call).details)
    named = {violation.field: violation.description for violation in bad.field_violations}
    assert set(named) == {"title", "options.ticket_count"}
    assert all(named.values())


@pytest.mark.parametrize(
    "wrong",
    [
        submit_request(schema_version="tickets.input.v2"),
        submit_request(idempotency_key="k" * 256),
        submit_request(spec="a\0b"),
        submit_request(options={"output_detail": 9}),
        submit_request(options={"ticket_count": 6, "max_ticket_count": 5}),
        submit_request(callback_url="https://127.1/"),
        submit_request(callback_url=""),
        jobs_pb2.TicketsJobSubmitRequest(),
    ],
)
def test_the_rules_of_rest_hold(
    idle_caller: Caller, wrong: jobs_pb2.TicketsJobSubmitRequest
) -> None:
    submit = idle_caller.stack.tickets.SubmitTicketsJob

    assert reason_of(submit, wrong, idle_caller.metadata) == "INVALID_ARGUMENT"


def test_a_request_of_thousands_of_faults_still_gets_its_answer(hands: Hands) -> None:
    """Details beyond what gRPC carries would hide the error behind another."""
    tokens = ["x" * 1000] * 1001
    asked = worker_pb2.AwaitCancellationsRequest(
        worker_id="w" * 5000, slots=0, known_lease_tokens=tokens
    )

    assert hands.reason("AwaitCancellations", asked) == "INVALID_ARGUMENT"


def test_a_request_over_the_limit_is_refused_as_such(idle_caller: Caller) -> None:
    submit = idle_caller.stack.tickets.SubmitTicketsJob
    large = submit_request(spec="s" * 1024 * 1024)

    assert reason_of(submit, large, idle_caller.metadata) == "REQUEST_TOO_LARGE"
    assert reason_of(submit, large) == "REQUEST_TOO_LARGE"


def test_access_is_refused_with_its_reason(idle_caller: Caller) -> None:
    submit = idle_caller.stack.tickets.SubmitTicketsJob
    reader = another_key(idle_caller, "tickets:read")
    twice = (*idle_caller.metadata, *idle_caller.metadata)

    assert reason_of(submit, submit_request()) == "KEY_MISSING"
    assert reason_of(submit, submit_request(), twice) == "KEY_INVALID"
    assert reason_of(submit, submit_request(), reader.metadata) == "SCOPE_MISSING"
    switch_tickets(idle_caller, on=False)
    assert reason_of(submit, submit_request(), idle_caller.metadata) == "FEATURE_DISABLED"
    suspend(idle_caller)
    assert reason_of(submit, submit_request(), idle_caller.metadata) == "CLIENT_SUSPENDED"


def test_each_service_is_closed_to_the_tokens_of_others(idle_caller: Caller) -> None:
    stack = idle_caller.stack
    listing, claim = clients_pb2.ListClientsRequest(), worker_pb2.ClaimJobRequest()
    jobs = jobs_pb2.ListTicketsJobsRequest()

    assert reason_of(stack.clients.ListClients, listing, idle_caller.metadata) == "WRONG_AUDIENCE"
    assert reason_of(stack.clients.ListClients, listing, stack.worker_metadata) == "KEY_INVALID"
    assert reason_of(stack.clients.ListClients, listing) == "KEY_MISSING"
    assert reason_of(stack.workers.ClaimJob, claim, idle_caller.metadata) == "WRONG_AUDIENCE"
    assert reason_of(stack.workers.ClaimJob, claim, stack.operator) == "KEY_INVALID"
    assert reason_of(stack.workers.ClaimJob, claim) == "KEY_MISSING"
    assert reason_of(stack.tickets.ListTicketsJobs, jobs, stack.operator) == "KEY_INVALID"
    assert reason_of(stack.tickets.ListTicketsJobs, jobs, stack.worker_metadata) == "KEY_INVALID"


def test_answers_and_refusals_carry_the_request_id(idle_caller: Caller) -> None:
    listing = idle_caller.stack.tickets.ListTicketsJobs
    asked = jobs_pb2.ListTicketsJobsRequest()
    metadata = (*idle_caller.metadata, ("x-request-id", "trace-7"))

    _, call = listing.with_call(asked, metadata=metadata)
    _, without = listing.with_call(asked, metadata=idle_caller.metadata)
    denied = refused(listing, asked, (("x-request-id", "trace-8"),))

    assert dict(call.trailing_metadata())["x-request-id"] == "trace-7"
    assert dict(without.trailing_metadata())["x-request-id"]
    assert dict(denied.trailing_metadata())["x-request-id"] == "trace-8"


def test_answers_carry_what_is_left_of_the_rate(idle_caller: Caller) -> None:
    listing = idle_caller.stack.tickets.ListTicketsJobs

    _, call = listing.with_call(jobs_pb2.ListTicketsJobsRequest(), metadata=idle_caller.metadata)

    assert dict(call.trailing_metadata())["ratelimit-policy"] == '"key";q=100000;w=60'


def test_a_refusal_tells_nothing_of_the_call_before_it(stack_without_worker: Stack) -> None:
    """A call that is refused before it is counted must not show another key's allowance."""
    tickets, caller = stack_without_worker.tickets, stack_without_worker.caller()
    for _ in range(40):  # so that every thread of core has served it
        tickets.ListTicketsJobs(jobs_pb2.ListTicketsJobsRequest(), metadata=caller.metadata)

    call = refused(tickets.SubmitTicketsJob, submit_request(spec="s" * 1024 * 1024))

    assert "ratelimit" not in dict(call.trailing_metadata())


def test_health_is_open_and_serving(stack_without_worker: Stack) -> None:
    stub: Any = health_pb2_grpc.HealthStub(stack_without_worker.channel)

    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=30)

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_every_service(stack_without_worker: Stack) -> None:
    database: Any = ProtoReflectionDescriptorDatabase(stack_without_worker.channel)

    assert set(database.get_services()) == {
        "taskforge.tickets.v1.TicketsService",
        "taskforge.tickets.v1.AccessService",
        "taskforge.worker.v1.WorkerService",
        "taskforge.worker.v1.DeliveriesService",
        "taskforge.admin.v1.ClientsService",
        "taskforge.admin.v1.KeysService",
        "taskforge.admin.v1.DeliveriesService",
        "taskforge.admin.v1.JobsService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


def test_an_unknown_method_is_unimplemented(idle_caller: Caller) -> None:
    path = "/taskforge.tickets.v1.TicketsService/Nothing"
    method: Any = idle_caller.stack.channel.unary_unary(path)

    call = refused(method, b"", idle_caller.metadata)

    assert call.code() is grpc.StatusCode.UNIMPLEMENTED


def test_every_reason_has_one_row_and_a_code_of_the_contract() -> None:
    payload = contract.openapi()["components"]["schemas"]["ErrorPayload"]
    codes = set(payload["properties"]["code"]["enum"])

    assert set(WIRE) == set(Reason)
    assert {wire.code for wire in WIRE.values()} <= codes


def test_reasons_named_in_the_protos_exist() -> None:
    folder = Path(__file__).parent.parent / "proto" / "taskforge"
    text = " ".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.proto"))
    named = {
        reason
        for sentence in re.findall(r"Reasons: ([A-Z_,\s/]+)\.", text)
        for reason in re.findall(r"[A-Z_]{4,}", sentence)
    }

    assert named
    assert named <= {reason.value for reason in Reason}
