"""Who holds a delivery: claims, reports and lost leases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.courier import (
    DELIVERED,
    DELIVERING,
    FAILED,
    PENDING,
    Courier,
    Parcel,
    claim_request,
    delivery_of,
    ended_job,
    hurry,
    release_request,
    report_request,
)
from tests.hands import Hands
from tests.stack import Caller, Stack
from tests.storage import execute, opened, run
from tests.waiting import eventually

JOBS = "/tickets/v1/jobs"


def test_a_repeated_claim_returns_the_same_delivery(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    ended_job(idle_caller, hands)
    first = courier.take()

    again = courier.claim(first.token)

    assert again is not None
    assert again.delivery.delivery_id == first.delivery.delivery_id
    assert courier.claim() is None


def test_a_repeated_report_changes_nothing(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    parcel = courier.take()
    courier.report(parcel, 503)
    before = delivery_of(idle_caller.stack, job_id)

    courier.report(parcel, 503)
    courier.report(parcel, 200)

    assert delivery_of(idle_caller.stack, job_id) == before
    assert before.status == PENDING


def test_a_token_is_good_for_one_attempt(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    first = courier.take()
    courier.report(first, 503)
    hurry(idle_caller.stack, job_id)

    assert courier.reason("ClaimDelivery", claim_request(courier, first.token)) == "LEASE_LOST"
    second = courier.take()
    assert courier.reason("ReportDelivery", report_request(first, 200)) == "LEASE_LOST"
    assert delivery_of(idle_caller.stack, job_id).status == DELIVERING
    courier.report(second, 200)
    assert delivery_of(idle_caller.stack, job_id).status == DELIVERED


def test_a_token_holds_only_its_own_delivery(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    for _ in range(2):
        ended_job(idle_caller, hands)
    one, two = courier.take(), courier.take()
    crossed = Parcel(one.token, two.delivery)

    assert courier.reason("ReportDelivery", report_request(crossed, 200)) == "LEASE_LOST"
    assert courier.reason("ReleaseDelivery", release_request(crossed)) == "LEASE_LOST"


def test_a_released_delivery_is_due_at_once_and_costs_no_attempt(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    for _ in range(20):
        courier.release(courier.take())

    assert delivery_of(idle_caller.stack, job_id).attempts == []
    courier.report(courier.take(), 200)
    assert len(delivery_of(idle_caller.stack, job_id).attempts) == 1


def lose(courier: Courier) -> None:
    execute(courier.stack, "UPDATE deliveries SET lease_expires_at = 1 WHERE status = 'delivering'")


def test_what_a_lost_worker_held_is_due_again(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    stale = courier.take()

    lose(courier)

    fresh = eventually(courier.claim)
    assert fresh is not None
    assert fresh.delivery.delivery_id == stale.delivery.delivery_id
    for rpc, report in (
        ("ReportDelivery", report_request(stale, 200)),
        ("ReleaseDelivery", release_request(stale)),
    ):
        assert courier.reason(rpc, report) == "LEASE_LOST"
    courier.report(fresh, 200)
    delivery = delivery_of(idle_caller.stack, job_id)
    assert delivery.status == DELIVERED
    assert [attempt.problem for attempt in delivery.attempts] == [
        f"the worker {courier.worker_id} was lost",
        "",
    ]


def test_a_silent_worker_loses_its_delivery_by_itself(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    """The only one that waits for a real lease to run out."""
    ended_job(idle_caller, hands)
    courier.take()

    assert eventually(courier.claim)


def test_a_delivery_that_loses_its_worker_ten_times_fails(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.take()
    execute(courier.stack, "UPDATE deliveries SET lease_losses = 9")

    lose(courier)

    eventually(lambda: delivery_of(idle_caller.stack, job_id).status == FAILED)
    assert courier.claim() is None


on_postgresql = pytest.mark.parametrize("backend", ["postgresql"], indirect=True, scope="session")


@contextmanager
def purged(stack: Stack, job_id: str) -> Iterator[None]:
    """Purges a job as core does, and deletes it once somebody else waits for it."""
    waiting = """
    SELECT pid FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()
    """
    with opened(stack) as database, database.atomic():
        run(database, "SELECT id FROM jobs WHERE id = ? FOR UPDATE", job_id)
        yield
        eventually(lambda: run(database, waiting))
        run(database, "DELETE FROM jobs WHERE id = ?", job_id)


@on_postgresql
def test_a_report_waits_for_a_purge_and_finds_nothing(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    """Each takes the job's row first, so that neither waits for what the other holds."""
    job_id = ended_job(idle_caller, hands)
    report = report_request(courier.take(), 200)

    with ThreadPoolExecutor(1) as beside, purged(courier.stack, job_id):
        reported = beside.submit(courier.reason, "ReportDelivery", report)
    assert reported.result() == "LEASE_LOST"


@on_postgresql
def test_so_does_the_recovery_of_what_a_lost_worker_held(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    courier.take()
    with purged(courier.stack, job_id):
        lose(courier)
    other = ended_job(idle_caller, hands)
    courier.take()
    lose(courier)
    eventually(lambda: delivery_of(courier.stack, other).status == PENDING)
    assert "deadlock" not in courier.stack.logs()
