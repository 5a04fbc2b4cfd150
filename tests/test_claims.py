"""Claiming jobs: what a claim carries, that it is repeatable, and whose turn it is."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from taskforge.tickets.v1 import jobs_pb2
from taskforge.worker.v1 import worker_pb2

from tests.hands import Hands, Held, complete_request
from tests.stack import SPEC, Caller


def test_a_claim_carries_the_texts_and_every_default(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()

    job = hands.take(job_id).job

    assert (job.title, job.spec, job.attempt) == ("Returns portal", SPEC, 1)
    assert not job.options.HasField("ticket_count")
    assert job.options.max_ticket_count == 50
    assert job.options.include_epics
    assert job.options.dependency_mode == jobs_pb2.DEPENDENCY_MODE_EXPLICIT
    assert job.options.output_detail == jobs_pb2.OUTPUT_DETAIL_STANDARD
    assert job.heartbeat_interval.ToTimedelta().total_seconds() == 1


def test_a_claim_carries_what_was_asked_for(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit(
        ticket_count=3, max_ticket_count=6, include_epics=False, output_detail="compact"
    )

    options = hands.take(job_id).job.options

    assert (options.ticket_count, options.max_ticket_count) == (3, 6)
    assert not options.include_epics
    assert options.output_detail == jobs_pb2.OUTPUT_DETAIL_COMPACT


def test_a_claim_of_an_empty_queue_has_no_job(hands: Hands) -> None:
    assert hands.claim() is None


def test_a_worker_is_told_whether_there_is_more(idle_caller: Caller, hands: Hands) -> None:
    jobs = [idle_caller.submit() for _ in range(2)]

    answers = [hands.call("CompleteJob", complete_request(hands.take(job))) for job in jobs]

    assert [answer.nothing_waits for answer in answers] == [False, True]


def test_a_repeated_claim_gets_the_same_job(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    idle_caller.submit()
    token = str(uuid4())

    claimed = [hands.claim(token) for _ in range(3)]

    assert [held.job.job_id for held in claimed if held] == [job_id] * 3


def test_a_claim_with_a_token_that_is_used_up_is_refused(idle_caller: Caller, hands: Hands) -> None:
    held = hands.take(idle_caller.submit())
    hands.complete(held)

    again = worker_pb2.ClaimJobRequest(worker_id=hands.worker_id, lease_token=held.token)
    assert hands.reason("ClaimJob", again) == "LEASE_LOST"


def test_a_job_is_claimed_once(idle_caller: Caller, hands: Hands) -> None:
    hands.take(idle_caller.submit())

    assert hands.claim() is None


def test_of_many_claims_at_once_each_gets_another_job(hands: Hands) -> None:
    callers = [hands.stack.caller() for _ in range(3)]
    submitted = {caller.submit() for caller in callers for _ in range(8)}

    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda _: hands.claim(), range(24)))
        # A claim that met another one may have come away with nothing.
        while held := hands.claim():
            found.append(held)

    ids = [held.job.job_id for held in found if held]
    assert sorted(ids) == sorted(submitted)


def test_a_clients_jobs_are_claimed_oldest_first(idle_caller: Caller, hands: Hands) -> None:
    submitted = [idle_caller.submit() for _ in range(3)]

    assert [claimed(hands).job.job_id for _ in range(3)] == submitted


def test_the_client_with_the_fewest_running_jobs_is_next(hands: Hands) -> None:
    busy, idle = hands.stack.caller(), hands.stack.caller()
    first = [busy.submit() for _ in range(3)]
    second = [idle.submit() for _ in range(3)]

    order = [claimed(hands).job.job_id for _ in range(6)]

    # They take turns, though one of them was there with all of its jobs before.
    turns = [order[number : number + 2] for number in (0, 2, 4)]
    assert [set(turn) for turn in turns] == [set(pair) for pair in zip(first, second, strict=True)]


def test_among_equally_busy_clients_the_longest_unserved_is_next(hands: Hands) -> None:
    served, unserved = hands.stack.caller(), hands.stack.caller()
    for caller in (unserved, served):
        hands.complete(hands.take(caller.submit()))
    served.submit()
    wanted = unserved.submit()

    assert claimed(hands).job.job_id == wanted


def test_a_hog_delays_another_client_by_no_more_than_a_turn(hands: Hands) -> None:
    hog, modest = hands.stack.caller(), hands.stack.caller()
    for _ in range(20):
        hog.submit()
    running = claimed(hands)
    wanted = modest.submit()

    assert claimed(hands).job.job_id == wanted
    hands.complete(running)


def claimed(hands: Hands) -> Held:
    held = hands.claim()
    assert held is not None
    return held
