"""How often and when a callback is tried, what ends it, and how operators send it again."""

from uuid import uuid4

import pytest
from taskforge.admin.v1 import deliveries_pb2 as admin_pb2
from taskforge.admin.v1 import deliveries_pb2_grpc as admin_pb2_grpc

from tests.courier import (
    DELIVERED,
    FAILED,
    PENDING,
    Courier,
    delivery_of,
    ended_job,
    hurry,
    redeliver,
    report_request,
)
from tests.hands import Hands
from tests.refusals import reason_of
from tests.stack import Caller, Stack
from tests.storage import execute, identifier
from tickets.deliveries import ATTEMPTS, DELAYS

JOBS = "/tickets/v1/jobs"


def events(stack: Stack, job_id: str) -> list[tuple[str, str]]:
    """What the job's timeline says of its callback."""
    rows = execute(
        stack,
        "SELECT verb, detail FROM job_events WHERE job_id = ? AND verb NOT IN"
        " ('submit', 'claim', 'complete') ORDER BY id",
        identifier(stack, job_id),
    )
    return [(verb, detail) for verb, detail in rows]


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_receiver_that_takes_it_ends_the_delivery(
    idle_caller: Caller, hands: Hands, courier: Courier, status: int
) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.report(courier.take(), status)

    delivery = delivery_of(idle_caller.stack, job_id)
    assert delivery.status == DELIVERED
    assert delivery.ended_at.seconds
    [attempt] = delivery.attempts
    assert (attempt.http_status, attempt.error_code, attempt.problem) == (status, "", "")
    assert attempt.worker_id == courier.worker_id
    assert attempt.started_at.ToNanoseconds() <= attempt.ended_at.ToNanoseconds()
    assert courier.claim() is None
    assert events(idle_caller.stack, job_id) == [("callback_delivered", "")]


def test_eight_attempts_are_made_further_and_further_apart(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    job = idle_caller.job(job_id)
    waits = []
    for _ in range(ATTEMPTS - 1):
        courier.report(courier.take(), 500)
        assert courier.claim() is None
        delivery = delivery_of(idle_caller.stack, job_id)
        waits.append(
            delivery.next_attempt_at.ToDatetime() - delivery.attempts[-1].ended_at.ToDatetime()
        )
        hurry(idle_caller.stack, job_id)
    courier.report(courier.take(), 500)

    assert ATTEMPTS == 8
    for wait, scheduled in zip(waits, DELAYS, strict=True):
        assert scheduled * 0.85 < wait < scheduled * 1.15
    delivery = delivery_of(idle_caller.stack, job_id)
    assert (delivery.status, delivery.HasField("next_attempt_at")) == (FAILED, False)
    assert [attempt.error_code for attempt in delivery.attempts] == ["callback_failed"] * 8
    assert (
        events(idle_caller.stack, job_id)
        == [("callback_failed", "the receiver answered with status 500")] * 8
    )
    assert idle_caller.job(job_id) == job


def test_the_waits_of_many_differ(idle_caller: Caller, hands: Hands, courier: Courier) -> None:
    jobs = [ended_job(idle_caller, hands) for _ in range(6)]
    for _ in jobs:
        courier.report(courier.take(), 500)

    waits = {
        delivery.next_attempt_at.ToMicroseconds() - delivery.attempts[0].ended_at.ToMicroseconds()
        for delivery in (delivery_of(idle_caller.stack, job_id) for job_id in jobs)
    }
    assert max(waits) - min(waits) > 10_000


@pytest.mark.parametrize("status", [100, 199, 300, 301, 307, 400, 401, 404, 429, 500, 503, 999])
def test_any_other_answer_is_tried_again(
    idle_caller: Caller, hands: Hands, courier: Courier, status: int
) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.report(courier.take(), status)

    delivery = delivery_of(idle_caller.stack, job_id)
    assert (delivery.status, delivery.attempts[0].http_status) == (PENDING, status)


def test_no_answer_is_tried_again(idle_caller: Caller, hands: Hands, courier: Courier) -> None:
    job_id = ended_job(idle_caller, hands)
    parcel = courier.take()
    report = report_request(parcel, 200)
    report.problem = "the receiver cannot be reached"
    courier.call("ReportDelivery", report)

    [attempt] = delivery_of(idle_caller.stack, job_id).attempts
    assert attempt.problem == "the receiver cannot be reached"
    assert not attempt.HasField("http_status")


def test_gone_means_never_again(idle_caller: Caller, hands: Hands, courier: Courier) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.report(courier.take(), 410)

    assert delivery_of(idle_caller.stack, job_id).status == FAILED
    assert len(delivery_of(idle_caller.stack, job_id).attempts) == 1


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [(0, 5), (100, 100), (10**9, 6 * 3600)],
)
def test_a_receiver_that_asks_for_time_gets_it_within_bounds(
    idle_caller: Caller, hands: Hands, courier: Courier, asked_s: int, wait_s: int
) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.report(courier.take(), 503, retry_after_s=asked_s)

    delivery = delivery_of(idle_caller.stack, job_id)
    ended_at = delivery.attempts[0].ended_at.ToDatetime()
    wait = delivery.next_attempt_at.ToDatetime() - ended_at
    assert wait_s - 1 < wait.total_seconds() < wait_s + 1


# Operators


def test_a_delivered_callback_is_sent_again_the_same(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    first = courier.take()
    courier.report(first, 200)

    again = redeliver(idle_caller.stack, first.delivery.delivery_id)

    assert (again.status, again.HasField("ended_at"), len(again.attempts)) == (PENDING, False, 1)
    second = courier.take()
    assert second.delivery.headers["webhook-id"] == first.delivery.headers["webhook-id"]
    assert second.delivery.body == first.delivery.body
    courier.report(second, 204)
    delivery = delivery_of(idle_caller.stack, job_id)
    assert [attempt.http_status for attempt in delivery.attempts] == [200, 204]


def test_a_failed_callback_has_all_its_attempts_again(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.report(courier.take(), 410)
    redeliver(idle_caller.stack, delivery_of(idle_caller.stack, job_id).delivery_id)
    for _ in range(ATTEMPTS):
        assert delivery_of(idle_caller.stack, job_id).status == PENDING
        hurry(idle_caller.stack, job_id)
        courier.report(courier.take(), 500)

    assert delivery_of(idle_caller.stack, job_id).status == FAILED


def test_a_callback_that_waits_can_be_hurried(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.report(courier.take(), 500)
    assert courier.claim() is None

    redeliver(idle_caller.stack, delivery_of(idle_caller.stack, job_id).delivery_id)

    courier.report(courier.take(), 200)


def test_what_cannot_be_sent_again_is_refused(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    stack = idle_caller.stack
    ended_job(idle_caller, hands)
    parcel = courier.take()
    stub = admin_pb2_grpc.DeliveriesServiceStub(stack.channel)

    def refusal(delivery_id: str) -> str:
        asked = admin_pb2.RedeliverRequest(delivery_id=delivery_id)
        return reason_of(stub.Redeliver, asked, stack.operator)

    assert refusal(parcel.delivery.delivery_id) == "DELIVERY_UNDER_WAY"
    assert refusal(str(uuid4())) == "DELIVERY_NOT_FOUND"
    assert refusal("x") == "INVALID_ARGUMENT"
    unknown = admin_pb2.ListDeliveriesRequest(job_id=str(uuid4()))
    assert reason_of(stub.ListDeliveries, unknown, stack.operator) == "JOB_NOT_FOUND"


def test_nobody_else_may_ask(idle_caller: Caller) -> None:
    stub = admin_pb2_grpc.DeliveriesServiceStub(idle_caller.stack.channel)
    asked = admin_pb2.ListDeliveriesRequest(job_id=str(uuid4()))

    assert reason_of(stub.ListDeliveries, asked, idle_caller.metadata) == "WRONG_AUDIENCE"
    assert reason_of(stub.ListDeliveries, asked, idle_caller.stack.worker_metadata) == "KEY_INVALID"
