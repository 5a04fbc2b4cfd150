"""Polling a job and fetching its result: ready, not ready, ended without one, not there."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract_shapes import assert_fits, assert_in_order
from tests.hands import Hands, result_document
from tests.refusals import assert_refused
from tests.stack import Caller

JOBS = "/tickets/v1/jobs"
PATHS = [("GET", ""), ("DELETE", ""), ("GET", "/result")]


def test_a_job_that_runs_shows_its_stage(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    queued = idle_caller.job(job_id)

    held = hands.take(job_id)
    claimed = idle_caller.job(job_id)
    hands.beat(held, "GENERATING_TICKETS")
    generating = idle_caller.job(job_id)

    assert (claimed["status"], claimed["stage"]) == ("processing", "preparing_prompt")
    assert (generating["status"], generating["stage"]) == ("processing", "generating_tickets")
    assert queued["updated_at"] < claimed["updated_at"] < generating["updated_at"]
    assert queued["created_at"] == generating["created_at"]
    assert queued["expires_at"] == generating["expires_at"]
    assert_fits(generating, "TicketsJobResponse")


def test_the_result_of_a_completed_job_is_served_as_it_was_brought(
    idle_caller: Caller, hands: Hands
) -> None:
    job_id = idle_caller.submit()
    hands.complete(hands.take(job_id))

    job = idle_caller.job(job_id)
    response = idle_caller.get(f"{JOBS}/{job_id}/result")

    assert (job["status"], job["stage"], job["error"]) == ("completed", "completed", None)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    result = response.json()
    assert result == result_document(job_id)
    assert_fits(result, "TicketsJobResultResponse")
    assert_result_in_order(result)
    assert '"rank":1' in response.text  # a whole number, though a Struct knows only doubles


def assert_result_in_order(result: dict[str, Any]) -> None:
    assert_in_order(result, "TicketsResult")
    assert_in_order(result["source"], "SourceSummary")
    assert_in_order(result["tickets"][0], "Ticket")
    assert_in_order(result["risks"][0], "Risk")
    assert_in_order(result["open_questions"][0], "OpenQuestion")
    assert_in_order(result["generation"], "GenerationMetadata")


def test_a_result_that_is_not_ready_is_202(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    queued = idle_caller.get(f"{JOBS}/{job_id}/result")
    hands.take(job_id)
    processing = idle_caller.get(f"{JOBS}/{job_id}/result")

    for response in (queued, processing):
        assert_refused(response, 202, "invalid_request")
        assert int(response.headers["Retry-After"]) >= 1


def test_a_failed_job_shows_its_error_in_place_of_a_result(
    idle_caller: Caller, hands: Hands
) -> None:
    job_id = idle_caller.submit()
    hands.fail(hands.take(job_id), code="model_timeout", message="the model was too slow")

    response = idle_caller.get(f"{JOBS}/{job_id}/result")

    assert response.status_code == 200
    assert response.json() == idle_caller.job(job_id)
    assert_fits(response.json(), "TicketsJobResponse")
    assert (response.json()["status"], response.json()["stage"]) == ("failed", "failed")
    assert response.json()["error"] == {
        "code": "model_timeout",
        "message": "the model was too slow",
    }


def test_a_cancelled_job_shows_its_status_in_place_of_a_result(idle_caller: Caller) -> None:
    job_id = idle_caller.submit()
    idle_caller.call("DELETE", f"{JOBS}/{job_id}")

    response = idle_caller.get(f"{JOBS}/{job_id}/result")

    assert response.status_code == 200
    assert response.json() == idle_caller.job(job_id)
    assert (response.json()["status"], response.json()["error"]) == ("cancelled", None)


@pytest.mark.parametrize(("method", "suffix"), PATHS)
def test_another_clients_job_is_as_unknown_as_none(
    idle_caller: Caller, method: str, suffix: str
) -> None:
    theirs = idle_caller.stack.caller().submit()

    unknown = idle_caller.call(method, f"{JOBS}/{uuid4()}{suffix}")
    foreign = idle_caller.call(method, f"{JOBS}/{theirs}{suffix}")

    assert_refused(unknown, 404, "job_not_found")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


@pytest.mark.parametrize(("method", "suffix"), PATHS)
@pytest.mark.parametrize(
    "job_id",
    [
        "1",
        "not-a-uuid",
        "0b1f6c1e7d0c4a519f5e0c6a4f4b8a11",
        "{0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11}",
        "urn:uuid:0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11",
        "0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11%0A",
        "0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a1g",
        "%00",
        "%ff",
        "x" * 1000,
    ],
)
def test_an_id_that_is_no_uuid_is_400(
    idle_caller: Caller, method: str, suffix: str, job_id: str
) -> None:
    response = idle_caller.call(method, f"{JOBS}/{job_id}{suffix}")

    assert_refused(response, 400, "invalid_request", field="job_id")


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("GET", "/result"), ("DELETE", "")])
def test_an_upper_case_id_is_the_same(idle_caller: Caller, method: str, suffix: str) -> None:
    job_id = idle_caller.submit()

    response = idle_caller.call(method, f"{JOBS}/{job_id.upper()}{suffix}")

    assert response.status_code in {200, 202}
    assert response.json().get("job_id", job_id) == job_id


def test_unknown_parameters_are_refused(idle_caller: Caller) -> None:
    job_id = idle_caller.submit()

    response = idle_caller.get(f"{JOBS}/{job_id}?verbose=1")

    assert_refused(response, 400, "invalid_request", field="verbose")
