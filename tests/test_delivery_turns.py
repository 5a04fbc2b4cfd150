"""Which delivery is claimed next: that of the client with the fewest under way, and what waits."""

import grpc
import pytest
from taskforge.worker.v1 import worker_pb2

from tests.courier import DELIVERING, PENDING, Courier, delivery_of, ended_job, hurry
from tests.hands import Hands
from tests.stack import Caller, Stack
from tests.waiting import eventually


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


def test_a_receiver_is_sent_two_at_a_time_whoever_its_clients_are(
    stack_without_worker: Stack, hands: Hands, courier: Courier
) -> None:
    for _ in range(3):
        ended_job(stack_without_worker.caller(), hands, "https://hooks.example.com/a")
    other = ended_job(stack_without_worker.caller(), hands, "https://hooks.example.com:8443/a")

    held = [courier.take() for _ in range(3)]

    assert delivery_of(stack_without_worker, other).status == DELIVERING
    assert courier.claim() is None
    courier.report(held[0], 500)
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


def test_what_has_failed_leaves_half_of_the_places_to_others(
    stack_without_worker: Stack, hands: Hands, courier: Courier
) -> None:
    register(courier, delivery_slots=4)
    failing = [
        ended_job(stack_without_worker.caller(), hands, f"https://dead{number}.example.com/")
        for number in range(3)
    ]
    for _ in failing:
        courier.report(courier.take(), 503)
    for job_id in failing:
        hurry(stack_without_worker, job_id)
    fresh = ended_job(stack_without_worker.caller(), hands, "https://quick.example.com/")

    first, second, third = courier.take(), courier.take(), courier.take()

    assert ["dead" in taken.delivery.url for taken in (first, second, third)] == [True, True, False]
    assert delivery_of(stack_without_worker, fresh).status == DELIVERING
    assert courier.claim() is None
    # A place that waits longer than a second has been left by then.
    again = eventually(courier.claim)
    assert again is not None
    assert "dead" in again.delivery.url


def register(courier: Courier, delivery_slots: int) -> None:
    """Says how many places the courier has, as workers do while they wait for cancellations."""
    request = worker_pb2.AwaitCancellationsRequest(
        worker_id=courier.worker_id, slots=1, delivery_slots=delivery_slots
    )
    stack = courier.stack
    with pytest.raises(grpc.RpcError, match="DEADLINE_EXCEEDED"):
        stack.workers.AwaitCancellations(request, metadata=stack.worker_metadata, timeout=1)
