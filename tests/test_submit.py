"""Submitting a job over REST: what is accepted, what comes back, what is refused by what name."""

from typing import Any

import pytest

from tests.contract_shapes import assert_fits, assert_in_order
from tests.refusals import assert_refused
from tests.stack import Caller, request
from tickets import contract

ALIAS = "/v1/task-generation/jobs"
MISSING = object()


def test_an_accepted_job_answers_by_the_contract(idle_caller: Caller) -> None:
    response = idle_caller.post(request())

    assert response.status_code == 202
    assert response.headers["Content-Type"] == "application/json"
    accepted = response.json()
    assert_fits(accepted, "TicketsJobAcceptedResponse")
    assert_in_order(accepted, "TicketsJobAcceptedResponse")
    assert accepted["status"] == "queued"
    assert accepted["status_url"] == f"/tickets/v1/jobs/{accepted['job_id']}"
    assert accepted["result_url"] == f"/tickets/v1/jobs/{accepted['job_id']}/result"


def test_the_status_url_leads_to_the_job(idle_caller: Caller) -> None:
    accepted = idle_caller.post(request()).json()

    job = idle_caller.get(accepted["status_url"]).json()

    assert_fits(job, "TicketsJobResponse")
    assert_in_order(job, "TicketsJobResponse")
    assert job["job_id"] == accepted["job_id"]
    assert job["created_at"] == accepted["created_at"]
    assert job["stage"] in {"accepted", "queued"}
    assert job["error"] is None


def test_the_alias_answers_alike(idle_caller: Caller) -> None:
    response = idle_caller.call("POST", ALIAS, json=request())

    assert response.status_code == 202
    assert_in_order(response.json(), "TicketsJobAcceptedResponse")
    assert idle_caller.job(response.json()["job_id"])["status"] == "queued"


def test_the_contracts_own_example_is_accepted(idle_caller: Caller) -> None:
    operation = contract.openapi()["paths"]["/tickets/v1/jobs"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["examples"]["canonical"]

    assert idle_caller.post(example["value"]).status_code == 202


@pytest.mark.parametrize(
    "changes",
    [
        {"idempotency_key": "k" * 255},
        {"idempotency_key": "\U0001f600" * 255},
        {"title": "x"},
        {"spec": "Ein Käufer sendet Ware zurück. 買い手 \U0001f4e6"},
        {"options": {}},
        {"options": {"ticket_count": 1}},
        {"options": {"ticket_count": 50, "max_ticket_count": 50}},
        {"options": {"ticket_count": 3.0}},
        {"options": {"ticket_count": 5, "max_ticket_count": 5}},
        {"options": {"include_epics": False, "dependency_mode": "explicit"}},
        {"options": {"output_detail": "compact"}},
        {"options": {"output_detail": "detailed"}},
        {"callback_url": "https://example.com/{job_id}"},
    ],
    ids=str,
)
def test_good_requests_are_accepted(idle_caller: Caller, changes: dict[str, Any]) -> None:
    response = idle_caller.post(request(**changes))

    assert response.status_code == 202, response.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, MISSING) for name in ("schema_version", "idempotency_key", "title", "spec")),
        *((name, None) for name in ("schema_version", "idempotency_key", "title", "spec")),
        *((name, 1) for name in ("schema_version", "idempotency_key", "title", "spec")),
        *((name, "") for name in ("schema_version", "idempotency_key", "title", "spec")),
        *((name, "a\0b") for name in ("idempotency_key", "title", "spec")),
        *(
            (name, blank)
            for name in ("title", "spec")
            for blank in (" ", "\t\r\n ", "\u2003\u3000", "\x0b\x1c\x1f\x85")
        ),
        ("schema_version", "tickets.input.v2"),
        ("idempotency_key", "k" * 256),
        ("idempotency_key", "\U0001f600" * 256),
        ("options", None),
        ("options", []),
        ("options", "compact"),
        ("callback_url", None),
        ("callback_url", ""),
        ("callback_url", "http://example.com/"),
        ("callback_url", "https://localhost/"),
        ("callback_url", "https://example.com/" + "a" * 2048),
        ("idempotencyKey", "key"),
        ("Title", "Returns portal"),
        ("priority", "high"),
        ("", "nameless"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(
    idle_caller: Caller, field: str, value: object
) -> None:
    body = {**request(), field: value}
    if value is MISSING:
        del body[field]

    assert_refused(idle_caller.post(body), 400, "invalid_request", field=field)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(
            (name, value)
            for name in ("ticket_count", "max_ticket_count")
            for value in (0, -1, 51, 2.5, True, "3", None, [3], 2**31, -(2**31) - 1, 10**30, 1e30)
        ),
        *(("include_epics", value) for value in ("true", 1, 0, None)),
        *(
            ("dependency_mode", value)
            for value in ("DEPENDENCY_MODE_EXPLICIT", "EXPLICIT", "implicit", "", 1, None)
        ),
        *(
            ("output_detail", value)
            for value in ("OUTPUT_DETAIL_COMPACT", "Compact", "unspecified", "", 1, None)
        ),
        ("ticketCount", 3),
        ("tickets", 3),
    ],
)
def test_a_wrong_option_is_refused_by_its_name(
    idle_caller: Caller, option: str, value: object
) -> None:
    response = idle_caller.post(request(options={option: value}))

    assert_refused(response, 400, "invalid_request", field=f"options.{option}")


def test_more_tickets_than_the_maximum_are_refused(idle_caller: Caller) -> None:
    response = idle_caller.post(request(options={"ticket_count": 6, "max_ticket_count": 5}))

    error = assert_refused(response, 400, "invalid_request", field="options")
    assert "max_ticket_count" in error["message"]


def test_every_wrong_field_is_named(idle_caller: Caller) -> None:
    response = idle_caller.post(request(title="", spec=" ", options={"ticket_count": 0}))

    error = assert_refused(response, 400, "invalid_request")
    named = {detail["field"] for detail in error["details"]}
    assert named == {"title", "spec", "options.ticket_count"}


def test_a_mistyped_field_gets_a_suggestion(idle_caller: Caller) -> None:
    body = {**request(), "idempotencyKey": "key"}

    error = assert_refused(idle_caller.post(body), 400, "invalid_request")

    assert "idempotency_key" in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        {f"field_{number}": 1 for number in range(50_000)},
        {"options": {f"field_{number}": 1 for number in range(50_000)}},
        {"f" * 1_000_000: 1},
    ],
    ids=["many", "many inside", "long"],
)
def test_a_request_of_nothing_but_faults_gets_a_short_answer(
    idle_caller: Caller, body: dict[str, Any]
) -> None:
    """Otherwise a stranger's megabyte would cost seconds, and a client's be answered with four."""
    response = idle_caller.post(body)

    assert_refused(response, 400, "invalid_request")
    assert len(response.content) < 4000


def test_a_refused_request_makes_no_job(idle_caller: Caller) -> None:
    idle_caller.post(request(title=""))

    assert idle_caller.get("/tickets/v1/jobs").json() == {"jobs": []}
