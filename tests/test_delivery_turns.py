"""Which delivery is claimed next: that of the client with the fewest under way, and what waits."""

import grpc
import pytest
from taskforge.worker.v1 import worker_pb2

from tests.courier import DELIVERING, PENDING, Courier, delivery_of, ended_job, hurry
from tests.hands import Hands
from tests.stack import Caller, Stack


def test_the_client_with_the_fewest_under_way_is_next(
    idle_caller: Caller, stack_without_worker: Stack, hands: Hands, courier: Courier
) -> None:
    other = stack_without_worker.caller()
    for number in range(3):
        ended_job(idle_caller, hands, f"https://host{number}.example.com/")
    last = ended_job(other, hands, "https://quick.example.com/")

    courier.take()
    assert delivery_of(stack_without_worker, last).status == PENDING
    courier.take()

    assert delivery_of(stack_without_worker, last).status == DELIVERING
    # Nothing is kept from the first one either while nobody else has anything to send.
    courier.take()
    courier.take()
    assert courier.claim() is None


def test_a_client_sends_two_at_a_time_to_a_receiver(
    idle_caller: Caller, stack_without_worker: Stack, hands: Hands, courier: Courier
) -> None:
    for _ in range(3):
        ended_job(idle_caller, hands, "https://hooks.example.com/a")
    other_port = ended_job(idle_caller, hands, "https://hooks.example.com:8443/a")
    other_client = ended_job(stack_without_worker.caller(), hands, "https://hooks.example.com/a")

    held = [courier.take() for _ in range(4)]

    for job_id in (other_port, other_client):
        assert delivery_of(stack_without_worker, job_id).status == DELIVERING
    assert courier.claim() is None
    courier.report(held[0], 200)
    assert courier.claim() is not None


def test_a_receiver_is_sent_sixteen_at_a_time_by_all_clients(
    stack_without_worker: Stack, hands: Hands, courier: Courier
) -> None:
    for _ in range(9):
        caller = stack_without_worker.caller()
        for _ in range(2):
            ended_job(caller, hands, "https://hooks.example.com/a")
    other = ended_job(stack_without_worker.caller(), hands, "https://quick.example.com/a")

    held = [courier.take() for _ in range(17)]

    assert delivery_of(stack_without_worker, other).status == DELIVERING
    assert courier.claim() is None
    courier.report(held[0], 200)
    assert courier.claim() is not None


def test_who_has_waited_longest_is_next(
    stack_without_worker: Stack, hands: Hands, courier: Courier
) -> None:
    jobs = [
        ended_job(stack_without_worker.caller(), hands, f"https://h{n}.example.com/{{job_id}}")
        for n in range(4)
    ]

    urls = [courier.take().delivery.url for _ in jobs]

    assert [url.rpartition("/")[2] for url in urls] == jobs


def test_receivers_that_are_not_proven_leave_half_of_the_threads_to_those_that_are(
    stack_without_worker: Stack, hands: Hands, courier: Courier
) -> None:
    register(courier, delivery_slots=4)
    good = stack_without_worker.caller()
    ended_job(good, hands, "https://good.example.com/")
    courier.report(courier.take(), 200)
    for number in range(3):
        ended_job(stack_without_worker.caller(), hands, f"https://new{number}.example.com/")
    proven = ended_job(good, hands, "https://good.example.com/")

    new = [courier.take() for _ in range(2)]
    assert all("new" in taken.delivery.url for taken in new)
    courier.take()

    assert delivery_of(stack_without_worker, proven).status == DELIVERING
    assert courier.claim() is None
    courier.report(new[0], 503)
    assert "new" in courier.take().delivery.url
    assert courier.claim() is None


def test_a_receiver_is_proven_again_when_it_has_taken_what_it_refused(
    stack_without_worker: Stack, hands: Hands, courier: Courier
) -> None:
    caller, new = stack_without_worker.caller(), stack_without_worker.caller()
    ended_job(caller, hands, "https://good.example.com/")
    courier.report(courier.take(), 200)
    refused = ended_job(caller, hands, "https://good.example.com/")
    courier.report(courier.take(), 503)
    register(courier, delivery_slots=1)
    ended_job(new, hands, "https://new.example.com/")
    under_way = courier.take()
    ended_job(caller, hands, "https://good.example.com/")

    # Of one thread, the new receiver has what is for those that are not proven.
    assert courier.claim() is None
    courier.report(under_way, 200)
    hurry(stack_without_worker, refused)
    courier.report(courier.take(), 200)
    ended_job(new, hands, "https://newer.example.com/")
    assert [("good" in courier.take().delivery.url) for _ in range(2)] == [True, False]


def test_a_worker_is_told_whether_it_can_claim_another(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    for host in ("one", "other"):
        ended_job(idle_caller, hands, f"https://{host}.example.com/")

    assert [courier.take().delivery.others_wait for _ in range(2)] == [True, False]


def register(courier: Courier, delivery_slots: int) -> None:
    """Says how many threads the courier has, as workers do while they wait for cancellations."""
    request = worker_pb2.AwaitCancellationsRequest(
        worker_id=courier.worker_id, slots=1, delivery_slots=delivery_slots
    )
    stack = courier.stack
    with pytest.raises(grpc.RpcError, match="DEADLINE_EXCEEDED"):
        stack.workers.AwaitCancellations(request, metadata=stack.worker_metadata, timeout=1)
