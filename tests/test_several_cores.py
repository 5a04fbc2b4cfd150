"""Several cores over one PostgreSQL and one Redis are one towards a key."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice

import grpc
import pytest
from taskforge.tickets.v1 import jobs_pb2, jobs_pb2_grpc
from taskforge.worker.v1 import worker_pb2

from tests.hands import Hands, beat_request
from tests.operators import another_key, resume, revoke, suspend
from tests.processes import free_port
from tests.stack import ALL_SCOPES, Caller, Room, Stack
from tests.storage import execute, opened, run
from tests.waiting import eventually
from tickets.status import from_trailers

# SQLite is for one core.
pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True, scope="session")

LIMIT = 60
CALLS = 4 * LIMIT
LISTING = jobs_pb2.ListTicketsJobsRequest(page_size=1)

NOTED = "SELECT seen_at FROM workers WHERE id = 'cores'"

Cores = Sequence[jobs_pb2_grpc.TicketsServiceStub]


@pytest.fixture
def cores(stack_without_worker: Stack) -> Iterator[Cores]:
    """The installation's core and two more beside it."""
    with ExitStack() as started:
        others = [
            started.enter_context(another_core(stack_without_worker, number)) for number in (2, 3)
        ]
        yield [stack_without_worker.tickets, *others]


@contextmanager
def another_core(stack: Stack, number: int) -> Iterator[jobs_pb2_grpc.TicketsServiceStub]:
    core = room(stack, number)
    core.start()
    try:
        with grpc.insecure_channel(core.environ["TASKFORGE_CORE_BIND"]) as channel:
            yield jobs_pb2_grpc.TicketsServiceStub(channel)
    finally:
        core.stop()


def room(stack: Stack, number: int) -> Room:
    """One more core, not started yet."""
    environ = {**stack.environ, "TASKFORGE_CORE_BIND": f"127.0.0.1:{free_port()}"}
    return Room("core", environ, stack.folder / f"core-{number}.log", "core listens on")


def answer(core: jobs_pb2_grpc.TicketsServiceStub, caller: Caller) -> str:
    """`OK`, or why core refuses the one call that this is."""
    try:
        core.ListTicketsJobs(LISTING, metadata=caller.metadata, timeout=30)
    except grpc.RpcError as fault:
        error = from_trailers(fault.trailing_metadata())
        return error.reason.name if error else str(fault)
    return "OK"


def answers(cores: Cores, caller: Caller) -> set[str]:
    return {answer(core, caller) for core in cores}


def assert_soon(cores: Cores, caller: Caller, wanted: str) -> None:
    """Fails unless every core answers so within a second, and from then on."""
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and answers(cores, caller) != {wanted}:
        time.sleep(0.02)
    for _ in range(20):
        assert answers(cores, caller) == {wanted}


def test_a_keys_calls_are_counted_together(cores: Cores, stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(rate_limit=f"{LIMIT}/day")

    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(answer, islice(cycle(cores), CALLS), [caller] * CALLS))

    assert found.count("OK") == LIMIT
    assert set(found) == {"OK", "RATE_LIMITED"}
    assert answers(cores, caller) == {"RATE_LIMITED"}


def test_a_revoked_key_is_out_everywhere_within_a_second(
    cores: Cores, stack_without_worker: Stack
) -> None:
    caller = stack_without_worker.caller()
    other = another_key(caller, *ALL_SCOPES)
    assert answers(cores, caller) == {"OK"}  # each core has seen the key

    revoke(caller)

    assert_soon(cores, caller, "KEY_REVOKED")
    assert answers(cores, other) == {"OK"}


def test_a_suspended_client_is_out_everywhere_within_a_second(
    cores: Cores, stack_without_worker: Stack
) -> None:
    caller = stack_without_worker.caller()
    assert answers(cores, caller) == {"OK"}

    suspend(caller)
    assert_soon(cores, caller, "CLIENT_SUSPENDED")

    resume(caller)
    assert_soon(cores, caller, "OK")


def test_a_cancellation_reaches_a_worker_on_another_core_within_a_second(
    cores: Cores, stack_without_worker: Stack
) -> None:
    caller, hands = stack_without_worker.caller(), Hands(stack_without_worker)
    hands.clear()
    held = hands.take(caller.submit())
    request = worker_pb2.AwaitCancellationsRequest(worker_id=hands.worker_id, slots=1)
    with ThreadPoolExecutor(1) as thread:
        told = thread.submit(hands.call, "AwaitCancellations", request)
        # By the last of the cores, while the worker waits on the first.
        cancel = jobs_pb2.CancelTicketsJobRequest(job_id=held.job.job_id)
        answer = cores[-1].CancelTicketsJob(cancel, metadata=caller.metadata, timeout=30)
        asked_at = time.monotonic()

        assert list(told.result(30).lease_tokens) == [held.token]

    assert time.monotonic() - asked_at < 1
    assert answer.status == jobs_pb2.JOB_STATUS_CANCEL_REQUESTED
    assert caller.job(held.job.job_id)["status"] == "cancel_requested"
    assert hands.reason("Heartbeat", beat_request(held)) == "CANCEL_REQUESTED"


def test_a_heartbeat_that_another_core_takes_meanwhile_keeps_the_job(
    idle_caller: Caller, hands: Hands
) -> None:
    """It is committed between a sweeper's look at the lease and what it makes of it."""
    job_id = idle_caller.submit()
    hands.take(job_id)
    lease = "UPDATE jobs SET lease_expires_at = ? WHERE id = ?"
    execute(hands.stack, lease, 1, job_id)
    idle_caller.wait(job_id, until=["queued"])  # sweepers judge by now
    held = hands.take(job_id)
    now = time.time_ns() // 1000
    execute(hands.stack, lease, now + 200_000, job_id)
    with opened(hands.stack) as database, database.atomic():
        run(database, lease, now + 60_000_000, job_id)
        time.sleep(1.2)  # a sweeper finds the old one, and waits for this

    hands.beat(held)

    losses = execute(hands.stack, "SELECT lease_losses FROM jobs WHERE id = ?", job_id)
    assert losses == [(1,)]


@pytest.fixture
def other_core(stack_without_worker: Stack) -> Iterator[Room]:
    """A second core, not started yet."""
    core = room(stack_without_worker, 2)
    yield core
    if core.is_running:
        core.stop()


def test_cores_that_are_back_at_once_make_their_absence_good_once(
    idle_caller: Caller, hands: Hands, other_core: Room
) -> None:
    stack, job_id = hands.stack, idle_caller.submit()
    hands.take(job_id)
    stack.core.kill()
    [(left_at,)] = execute(stack, NOTED)
    # Paid twice, it would last for a whole lease.
    ended = left_at + 2_500_000
    execute(stack, "UPDATE jobs SET lease_expires_at = ? WHERE id = ?", ended, job_id)
    time.sleep(3)
    with opened(stack) as database, database.atomic():
        run(database, f"{NOTED} FOR UPDATE")
        stack.core.start()
        other_core.start()
        time.sleep(0.3)  # both have come to the note, and wait
    eventually(lambda: execute(stack, NOTED) > [(left_at,)])
    time.sleep(0.1)

    [(ends,)] = execute(stack, "SELECT lease_expires_at FROM jobs WHERE id = ?", job_id)
    away = time.time_ns() // 1000 - left_at
    # It is over at once on a machine that is slow.
    assert ends is None or ended < ends < ended + away
