"""What time does to jobs: they expire at their deadline, and are purged after their retention."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import storage
from tests.courier import Courier, ended_job, report_request
from tests.hands import Hands, complete_request
from tests.refusals import assert_refused
from tests.stack import Caller, Stack, running
from tests.stack import request as submit_request
from tests.storage import execute, identifier
from tests.waiting import eventually

JOBS = "/tickets/v1/jobs"
LONG_AGO = 1_000_000


def test_the_deadline_is_a_day_after_submission(idle_caller: Caller) -> None:
    job = idle_caller.job(idle_caller.submit())

    lasts = datetime.fromisoformat(job["expires_at"]) - datetime.fromisoformat(job["created_at"])
    assert lasts.total_seconds() == 86_400


@pytest.fixture
def short_lived(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An installation where a job has three seconds to finish."""
    environ = {"TASKFORGE_JOB_TTL_S": "3", **storage(backend, request)}
    with running(environ, tmp_path, rooms=("core", "edge")) as started:
        yield started


def test_jobs_expire_while_they_wait_and_while_they_run(short_lived: Stack) -> None:
    caller, hands = short_lived.caller(), Hands(short_lived)
    running_id, waiting_id = caller.submit(), caller.submit()
    held = hands.take(running_id)

    running_job, waiting_job = caller.wait(running_id), caller.wait(waiting_id)

    assert (running_job["status"], running_job["stage"]) == ("expired", "preparing_prompt")
    assert waiting_job["status"] == "expired"
    assert waiting_job["stage"] in {"accepted", "queued"}
    assert running_job["error"] is None
    assert running_job["updated_at"] >= running_job["expires_at"]
    assert caller.get(f"{JOBS}/{running_id}/result").json() == running_job
    assert hands.reason("CompleteJob", complete_request(held)) == "LEASE_LOST"
    assert hands.claim() is None
    assert_refused(caller.call("DELETE", f"{JOBS}/{waiting_id}"), 409, "invalid_request")


def test_a_job_past_its_retention_is_gone_with_its_texts(idle_caller: Caller, hands: Hands) -> None:
    old, young = idle_caller.submit(), idle_caller.submit()
    for job_id in (old, young):
        hands.complete(hands.take(job_id))

    age(idle_caller, old)

    eventually(lambda: idle_caller.get(f"{JOBS}/{old}").status_code == 404)
    for path in (f"{JOBS}/{old}", f"{JOBS}/{old}/result"):
        assert_refused(idle_caller.get(path), 404, "job_not_found")
    assert [job["job_id"] for job in idle_caller.get(JOBS).json()["jobs"]] == [young]
    for table in ("job_inputs", "job_results", "job_events"):
        assert rows_of(idle_caller, table, old) == 0
        assert rows_of(idle_caller, table, young) > 0


def test_callbacks_are_gone_with_their_job(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    young, tried, held = (ended_job(idle_caller, hands) for _ in range(3))
    courier.report(courier.take(), 200)
    courier.report(courier.take(), 503)
    under_way = courier.take()

    for job_id in (tried, held):
        age(idle_caller, job_id)

    eventually(lambda: idle_caller.get(f"{JOBS}/{held}").status_code == 404)
    eventually(lambda: idle_caller.get(f"{JOBS}/{tried}").status_code == 404)
    assert [rows_of(idle_caller, "deliveries", job) for job in (tried, held, young)] == [0, 0, 1]
    kept = execute(idle_caller.stack, "SELECT http_status FROM delivery_attempts")
    assert kept == [(200,)]
    # The worker that is at it is told so, and goes on.
    assert courier.reason("ReportDelivery", report_request(under_way, 200)) == "LEASE_LOST"
    assert courier.claim() is None


def test_a_purged_jobs_key_can_be_used_again(idle_caller: Caller) -> None:
    body = submit_request()
    first = idle_caller.post(body).json()["job_id"]
    idle_caller.call("DELETE", f"{JOBS}/{first}")

    age(idle_caller, first)

    eventually(lambda: idle_caller.get(f"{JOBS}/{first}").status_code == 404)
    assert idle_caller.post(body).json()["job_id"] != first


def age(caller: Caller, job_id: str) -> None:
    """Makes a job's end lie long ago."""
    execute(
        caller.stack,
        f"UPDATE jobs SET ended_at = {LONG_AGO} WHERE id = ?",
        identifier(caller.stack, job_id),
    )


def rows_of(caller: Caller, table: str, job_id: str) -> int:
    counted = execute(
        caller.stack,
        f"SELECT count(*) FROM {table} WHERE job_id = ?",
        identifier(caller.stack, job_id),
    )
    return int(counted[0][0])
