"""Cancelling a job: at once while it is queued, by way of its worker while it runs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from taskforge.worker.v1 import worker_pb2

from tests.contract_shapes import assert_fits
from tests.hands import Hands, Held, beat_request, complete_request, fail_request, release_request
from tests.refusals import assert_refused
from tests.stack import Caller
from tests.storage import execute, identifier

JOBS = "/tickets/v1/jobs"


def cancel(caller: Caller, job_id: str) -> requests.Response:
    return caller.call("DELETE", f"{JOBS}/{job_id}")


def test_a_queued_job_is_cancelled_at_once(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()

    response = cancel(idle_caller, job_id)

    assert response.status_code == 200
    assert_fits(response.json(), "TicketsJobResponse")
    assert response.json()["status"] == "cancelled"
    assert response.json()["stage"] in {"accepted", "queued"}
    assert response.json() == idle_caller.job(job_id)
    assert hands.claim() is None


def test_a_running_job_is_asked_to_stop(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    held = hands.take(job_id)
    hands.beat(held, "GENERATING_TICKETS")

    first, second = cancel(idle_caller, job_id), cancel(idle_caller, job_id)

    for response in (first, second):
        assert response.status_code == 200
        assert response.json()["status"] == "cancel_requested"
        assert response.json()["stage"] == "generating_tickets"
    result = idle_caller.get(f"{JOBS}/{job_id}/result")
    assert_refused(result, 202, "invalid_request")


REPORTS: dict[str, Callable[[Held], Any]] = {
    "Heartbeat": beat_request,
    "CompleteJob": complete_request,
    "FailJob": fail_request,
    "ReleaseJob": release_request,
}


@pytest.mark.parametrize("rpc", REPORTS)
def test_any_report_confirms_it(idle_caller: Caller, hands: Hands, rpc: str) -> None:
    job_id = idle_caller.submit()
    held = hands.take(job_id)
    cancel(idle_caller, job_id)

    assert hands.reason(rpc, REPORTS[rpc](held)) == "CANCEL_REQUESTED"

    job = idle_caller.job(job_id)
    assert (job["status"], job["stage"], job["error"]) == ("cancelled", "preparing_prompt", None)
    # The answer may have been lost; the worker hears the same again.
    assert hands.reason(rpc, REPORTS[rpc](held)) == "CANCEL_REQUESTED"
    assert idle_caller.get(f"{JOBS}/{job_id}/result").json() == job


def test_the_worker_hears_of_it_while_it_waits(idle_caller: Caller, hands: Hands) -> None:
    kept, dropped = idle_caller.submit(), idle_caller.submit()
    first, second = hands.take(kept), hands.take(dropped)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(await_cancellations, hands)
        cancel(idle_caller, dropped)
        assert waiting.result(30) == [second.token]
    hands.release(first)


def test_the_worker_hears_of_it_when_it_was_away(idle_caller: Caller, hands: Hands) -> None:
    held = hands.take(idle_caller.submit())
    cancel(idle_caller, held.job.job_id)

    assert await_cancellations(hands) == [held.token]


def test_a_cancellation_that_is_known_is_waited_past(idle_caller: Caller, hands: Hands) -> None:
    known, news = hands.take(idle_caller.submit()), hands.take(idle_caller.submit())
    cancel(idle_caller, known.job.job_id)
    assert await_cancellations(hands) == [known.token]

    cancel(idle_caller, news.job.job_id)

    assert await_cancellations(hands, known) == sorted([known.token, news.token])


def test_many_that_wait_keep_nobody_from_an_answer(idle_caller: Caller, hands: Hands) -> None:
    """More workers than core handles calls at once: it answers others, and each hears its own."""
    workers = [Hands(hands.stack) for _ in range(64)]
    held = [worker.take(idle_caller.submit()) for worker in workers]
    last = idle_caller.submit()
    waiting = [start_waiting(worker) for worker in workers]

    assert idle_caller.job(last)["status"] == "queued"
    hands.take(last)
    for job in held:
        assert cancel(idle_caller, job.job.job_id).status_code == 200

    told = [list(call.result(10).lease_tokens) for call in waiting]
    assert told == [[job.token] for job in held]
    for worker, job in zip(workers, held, strict=True):
        assert worker.reason("Heartbeat", beat_request(job)) == "CANCEL_REQUESTED"


def test_a_lost_worker_confirms_it_by_its_silence(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    hands.take(job_id)
    cancel(idle_caller, job_id)

    execute(
        hands.stack,
        "UPDATE jobs SET lease_expires_at = 1 WHERE id = ?",
        identifier(hands.stack, job_id),
    )

    assert idle_caller.wait(job_id)["status"] == "cancelled"


def test_a_cancelled_job_cannot_be_cancelled_again(idle_caller: Caller) -> None:
    job_id = idle_caller.submit()
    cancel(idle_caller, job_id)

    assert_refused(cancel(idle_caller, job_id), 409, "job_cancelled")


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_a_job_that_has_ended_cannot_be_cancelled(
    idle_caller: Caller, hands: Hands, end: str
) -> None:
    job_id = idle_caller.submit()
    getattr(hands, end)(hands.take(job_id))
    ended = idle_caller.job(job_id)

    error = assert_refused(cancel(idle_caller, job_id), 409, "invalid_request")

    assert ended["status"] in error["message"]
    assert idle_caller.job(job_id) == ended


def test_of_many_cancels_at_once_one_succeeds(idle_caller: Caller) -> None:
    job_id = idle_caller.submit()
    url = f"{idle_caller.stack.url}{JOBS}/{job_id}"
    headers = {"Authorization": f"Bearer {idle_caller.key}"}

    with ThreadPoolExecutor(10) as threads:
        answers = threads.map(
            lambda _: requests.delete(url, headers=headers, timeout=30).status_code, range(10)
        )

    assert sorted(answers) == [200] + [409] * 9


def await_cancellations(hands: Hands, *known: Held) -> list[str]:
    """What the long poll answers with, which it does at once when there is news."""
    return list(start_waiting(hands, *known).result().lease_tokens)


def start_waiting(hands: Hands, *known: Held) -> Any:
    """The call that waits, under way."""
    request = worker_pb2.AwaitCancellationsRequest(
        worker_id=hands.worker_id, slots=1, known_lease_tokens=[held.token for held in known]
    )
    wait = hands.stack.workers.AwaitCancellations
    return wait.future(request, metadata=hands.stack.worker_metadata, timeout=30)
