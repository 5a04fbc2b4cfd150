"""A worker's reports over gRPC: heartbeats, ends, retries, and what a lost lease costs."""

from typing import Any

import pytest

from tests.hands import Hands, Held, beat_request, complete_request, fail_request, release_request
from tests.stack import Caller
from tests.storage import execute, identifier
from tests.waiting import eventually

JOBS = "/tickets/v1/jobs"


def row(hands: Hands, job_id: str, *columns: str) -> tuple[Any, ...]:
    """Columns of a job as the database has them."""
    [found] = execute(
        hands.stack,
        f"SELECT {', '.join(columns)} FROM jobs WHERE id = ?",
        identifier(hands.stack, job_id),
    )
    return tuple(found)


def run_out(hands: Hands, job_id: str) -> None:
    """Lets a job's lease run out, as if its worker had been silent for long."""
    execute(
        hands.stack,
        "UPDATE jobs SET lease_expires_at = 1 WHERE id = ?",
        identifier(hands.stack, job_id),
    )


def test_a_heartbeat_extends_the_lease_and_records_the_stage(
    idle_caller: Caller, hands: Hands
) -> None:
    job_id = idle_caller.submit()
    held = hands.take(job_id)
    [before] = row(hands, job_id, "lease_expires_at")

    hands.beat(held, "VALIDATING_OUTPUT", "batch 2 of 5")
    hands.beat(held)

    after, progress = row(hands, job_id, "lease_expires_at", "progress")
    assert after > before
    assert idle_caller.job(job_id)["stage"] == "validating_output"
    assert progress == ""  # what the last beat said


@pytest.mark.parametrize("end", ["complete", "fail", "release"])
def test_what_is_reported_after_the_end_is_refused(
    idle_caller: Caller, hands: Hands, end: str
) -> None:
    job_id = idle_caller.submit()
    held = hands.take(job_id)
    getattr(hands, end)(held)
    ended = idle_caller.job(job_id)

    reports = {
        "Heartbeat": beat_request(held),
        "CompleteJob": complete_request(held, open_questions=[]),
        "FailJob": fail_request(held),
        "ReleaseJob": release_request(held),
    }

    assert {hands.reason(rpc, report) for rpc, report in reports.items()} == {"LEASE_LOST"}
    assert idle_caller.job(job_id) == ended


def test_a_repeated_complete_succeeds(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    held = hands.take(job_id)
    hands.complete(held)
    completed = idle_caller.job(job_id)

    hands.complete(held)

    assert idle_caller.job(job_id) == completed


def test_a_token_holds_only_its_own_job(idle_caller: Caller, hands: Hands) -> None:
    first, second = idle_caller.submit(), idle_caller.submit()
    one, two = hands.take(first), hands.take(second)
    crossed = Held(one.token, two.job)

    assert hands.reason("CompleteJob", complete_request(crossed)) == "LEASE_LOST"
    assert idle_caller.job(second)["status"] == "processing"


def test_a_stale_worker_is_not_heard_once_its_job_runs_elsewhere(
    idle_caller: Caller, hands: Hands
) -> None:
    job_id = idle_caller.submit()
    stale = hands.take(job_id)
    run_out(hands, job_id)
    fresh = eventually(hands.claim)
    assert fresh is not None

    for rpc, report in (
        ("Heartbeat", beat_request(stale, "VALIDATING_OUTPUT")),
        ("CompleteJob", complete_request(stale)),
        ("FailJob", fail_request(stale)),
        ("ReleaseJob", release_request(stale)),
    ):
        assert hands.reason(rpc, report) == "LEASE_LOST"

    assert fresh.job.job_id == job_id
    assert fresh.job.attempt == 1  # a lost worker costs no attempt
    assert row(hands, job_id, "lease_losses", "failures", "stage") == (1, 0, "preparing_prompt")
    hands.complete(fresh)
    assert idle_caller.job(job_id)["status"] == "completed"


def test_a_silent_worker_loses_its_job_by_itself(idle_caller: Caller, hands: Hands) -> None:
    """The only one that waits for a real lease to run out."""
    job_id = idle_caller.submit()
    hands.take(job_id)

    idle_caller.wait(job_id, until=["queued"])

    assert row(hands, job_id, "lease_losses", "failures", "lease_token") == (1, 0, None)


def test_a_job_that_loses_its_worker_ten_times_fails(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    hands.take(job_id)
    execute(
        hands.stack,
        "UPDATE jobs SET lease_losses = 9 WHERE id = ?",
        identifier(hands.stack, job_id),
    )

    run_out(hands, job_id)

    job = idle_caller.wait(job_id)
    assert (job["status"], job["stage"]) == ("failed", "failed")
    assert job["error"]["code"] == "internal_error"
    assert "10" in job["error"]["message"]


def test_a_retryable_failure_is_tried_three_times_in_all(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    attempts = []
    for _ in range(3):
        held = eventually(hands.claim)
        assert held is not None
        attempts.append(held.job.attempt)
        hands.fail(held, code="ollama_unavailable", message="no answer", retryable=True)

    job = idle_caller.job(job_id)
    assert attempts == [1, 2, 3]
    assert (job["status"], job["stage"]) == ("failed", "failed")
    assert job["error"] == {"code": "ollama_unavailable", "message": "no answer"}


def test_a_retry_waits_longer_each_time(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    delays = []
    for _ in range(2):
        held = eventually(hands.claim)
        assert held is not None
        hands.fail(held, retryable=True)
        assert idle_caller.job(job_id)["status"] == "queued"
        available_at, updated_at = row(hands, job_id, "available_at", "updated_at")
        delays.append((available_at - updated_at) / 1_000_000)

    assert delays[0] <= 0.2 < delays[1] <= 0.8


def test_a_server_that_asks_to_wait_is_given_the_time(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    request = fail_request(hands.take(job_id), retryable=True)
    request.retry_after.FromSeconds(3)

    hands.call("FailJob", request)

    available_at, updated_at = row(hands, job_id, "available_at", "updated_at")
    assert 1 < (available_at - updated_at) / 1_000_000 <= 3
    assert hands.claim() is None


def test_a_permanent_failure_is_not_tried_again(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()

    hands.fail(hands.take(job_id), code="model_output_invalid", message="two of three tickets")

    assert idle_caller.job(job_id)["error"]["code"] == "model_output_invalid"
    assert hands.claim() is None


def test_a_failure_of_an_unknown_kind_is_an_internal_error(
    idle_caller: Caller, hands: Hands
) -> None:
    job_id = idle_caller.submit()

    hands.fail(hands.take(job_id), code="made_up", message="m" * 5000)

    error = idle_caller.job(job_id)["error"]
    assert error["code"] == "internal_error"
    assert len(error["message"]) == 2000


def test_reports_may_hold_any_character(idle_caller: Caller, hands: Hands) -> None:
    """A model's server may say anything, and PostgreSQL's text takes no NUL."""
    job_id = idle_caller.submit()
    held = hands.take(job_id)

    hands.beat(held, progress="a\0b \U0001f600")
    hands.fail(held, message="a\0b \U0001f600")

    assert idle_caller.job(job_id)["error"]["message"] == "a\ufffdb \U0001f600"


def test_a_released_job_runs_again_at_once_and_costs_no_attempt(
    idle_caller: Caller, hands: Hands
) -> None:
    job_id = idle_caller.submit()
    for _ in range(5):
        hands.release(hands.take(job_id))
        assert idle_caller.job(job_id)["stage"] == "queued"

    assert hands.take(job_id).job.attempt == 1
    assert row(hands, job_id, "lease_losses", "failures") == (0, 0)


def test_the_clients_counters_follow_its_jobs(idle_caller: Caller, hands: Hands) -> None:
    def counters() -> tuple[int, int]:
        found = execute(
            hands.stack, "SELECT queued, running FROM clients WHERE name = ?", idle_caller.name
        )
        return (found[0][0], found[0][1])

    ids = [idle_caller.submit() for _ in range(6)]
    assert counters() == (6, 0)
    held = [hands.take(job_id) for job_id in ids[:5]]
    assert counters() == (1, 5)
    hands.complete(held[0])
    hands.fail(held[1])
    hands.fail(held[2], retryable=True)
    assert counters() == (2, 2)
    idle_caller.call("DELETE", f"{JOBS}/{ids[3]}")
    assert counters() == (2, 2)
    hands.reason("Heartbeat", beat_request(held[3]))
    run_out(hands, ids[4])
    eventually(lambda: counters() == (3, 0))
    for job_id in (ids[2], ids[4], ids[5]):
        idle_caller.call("DELETE", f"{JOBS}/{job_id}")
    assert counters() == (0, 0)
