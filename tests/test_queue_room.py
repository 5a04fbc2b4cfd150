"""How many jobs a client may have queued: more are 429 until there is room again."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.operators import limit
from tests.refusals import assert_refused
from tests.stack import Caller, Stack, request

JOBS = "/tickets/v1/jobs"


def test_a_full_queue_is_429(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(max_queued=2)
    assert [caller.post(request()).status_code for _ in range(2)] == [202, 202]

    response = caller.post(request())

    error = assert_refused(response, 429, "queue_full")
    assert "2" in error["message"]
    assert int(response.headers["Retry-After"]) >= 1
    assert len(caller.get(JOBS).json()["jobs"]) == 2


def test_a_cancelled_job_makes_room(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(max_queued=1)
    job_id = caller.submit()
    refused = request()
    assert caller.post(refused).status_code == 429

    assert caller.call("DELETE", f"{JOBS}/{job_id}").status_code == 200

    assert caller.post(refused).status_code == 202


def test_other_clients_have_their_own_room(stack_without_worker: Stack) -> None:
    full = stack_without_worker.caller(max_queued=0)
    other = stack_without_worker.caller(max_queued=1)

    assert_refused(full.post(request()), 429, "queue_full")
    assert other.post(request()).status_code == 202


def test_a_full_queue_still_answers_reads_and_cancels(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(max_queued=1)
    job_id = caller.submit()

    assert caller.get(f"{JOBS}/{job_id}").status_code == 200
    assert caller.get(JOBS).status_code == 200


def test_a_limit_can_be_raised_and_dropped(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(max_queued=0)
    assert caller.post(request()).status_code == 429

    limit(caller, max_queued=1)
    assert [caller.post(request()).status_code for _ in range(2)] == [202, 429]

    limit(caller)
    assert caller.post(request()).status_code == 202


@pytest.mark.parametrize("room", [5])
def test_submits_at_the_same_time_never_exceed_the_room(
    stack_without_worker: Stack, room: int
) -> None:
    caller = stack_without_worker.caller(max_queued=room)

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: post_alone(caller), range(24)))

    assert sorted(answers) == [202] * room + [429] * (24 - room)
    assert len(caller.get(JOBS).json()["jobs"]) == room


def post_alone(caller: Caller) -> int:
    """A submit on a connection of its own: a session is not for several threads."""
    headers = {"Authorization": f"Bearer {caller.key}"}
    url = caller.stack.url + JOBS
    return requests.post(url, json=request(), headers=headers, timeout=30).status_code
