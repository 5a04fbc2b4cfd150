"""What core does with the result that a worker brings: nothing invalid is stored."""

from typing import Any

import pytest
from taskforge.worker.v1 import worker_pb2

from tests.contract_shapes import assert_fits
from tests.hands import Hands, complete_request, result_document, ticket
from tests.refusals import refused
from tests.stack import Caller

JOBS = "/tickets/v1/jobs"
OTHER = "0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11"


def question(*related: str) -> list[dict[str, Any]]:
    return [{"id": "Q-1", "question": "Who?", "related_ticket_ids": list(related)}]


def risk(**changes: Any) -> list[dict[str, Any]]:
    base = {"id": "RISK-1", "description": "Loss", "severity": "low", "related_ticket_ids": []}
    return [{**base, **changes}]


WRONG_TICKETS: list[dict[str, Any]] = [
    {"title": ""},
    {"title": "t" * 121},
    {"description": ""},
    {"acceptance_criteria": []},
    {"acceptance_criteria": ["c"] * 9},
    {"acceptance_criteria": [""]},
    {"labels": [""]},
    {"labels": ["l" * 41]},
    {"story_points": 0},
    {"story_points": 101},
    {"metadata": {"confidence": 1.1}},
    {"metadata": {"confidence": float("nan")}},
    {"metadata": {"confidence": "high"}},
    {"metadata": {"component": 1}},
    {"dependencies": ["SPEC-1"]},
    {"dependencies": ["SPEC-9"]},
    {"dependencies": ["SPEC"]},
    {"parent_external_id": "SPEC-9"},
    {"parent_external_id": "SPEC-1"},
    {"ticket_type": "epic"},
]


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": "tickets.result.v2"},
        {"job_id": OTHER},
        {"job_id": "1"},
        {"tickets": []},
        {"tickets": [ticket(f"SPEC-{number}") for number in range(51)]},
        {"source": {"title": "", "summary": "s"}},
        {"source": {"title": "t" * 161, "summary": "s"}},
        {"source": {"title": "t", "summary": ""}},
        *({"tickets": [ticket("SPEC-1", **wrong)], "risks": []} for wrong in WRONG_TICKETS),
        {"tickets": [ticket("SPEC-1\n")], "risks": []},
        {"tickets": [ticket("1")], "risks": []},
        {"tickets": [ticket("SPEC-1"), ticket("SPEC-1")], "risks": []},
        {
            "tickets": [
                ticket("SPEC-1", dependencies=["SPEC-2"]),
                ticket("SPEC-2", dependencies=["SPEC-1"]),
            ],
            "risks": [],
        },
        {"risks": risk(id="R-1")},
        {"risks": risk(description="")},
        {"risks": risk(related_ticket_ids=["SPEC-9"])},
        {"open_questions": question("SPEC-9")},
        {"open_questions": question() * 2},
    ],
)
def test_an_invalid_result_is_refused_and_not_stored(
    idle_caller: Caller, hands: Hands, changes: dict[str, Any]
) -> None:
    job_id = idle_caller.submit()
    held = hands.take(job_id)

    assert hands.reason("CompleteJob", complete_request(held, **changes)) == "RESULT_INVALID"

    assert idle_caller.job(job_id)["status"] == "processing"
    assert idle_caller.get(f"{JOBS}/{job_id}/result").status_code == 202
    hands.complete(held)  # and the lease still holds


def test_the_refusal_says_what_is_wrong(idle_caller: Caller, hands: Hands) -> None:
    held = hands.take(idle_caller.submit())
    wrong = complete_request(held, tickets=[ticket("SPEC-1", story_points=101)])

    call = refused(hands.stack.workers.CompleteJob, wrong, hands.stack.worker_metadata)

    details = call.details()
    assert details is not None
    assert "tickets[0].story_points" in details
    hands.fail(held)


def test_a_result_without_its_parts_is_refused(idle_caller: Caller, hands: Hands) -> None:
    held = hands.take(idle_caller.submit())

    bare = worker_pb2.CompleteJobRequest(**held.lease)
    empty = worker_pb2.CompleteJobRequest(**held.lease)
    empty.result.SetInParent()

    assert hands.reason("CompleteJob", bare) == "INVALID_ARGUMENT"
    assert hands.reason("CompleteJob", empty) == "RESULT_INVALID"
    hands.fail(held)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"huge": 1e300, "small": -1e300, "tiny": 5e-324, "whole": 2.0**53, "negative": -0.0},
        {"not a number": float("nan"), "endless": float("inf")},
        {"text": "\0 \u2028 \U0001f600", "": None, "deep": [[[[{"a": []}]]]]},
    ],
)
def test_whatever_metadata_holds_is_served_as_json(
    idle_caller: Caller, hands: Hands, metadata: dict[str, Any]
) -> None:
    job_id = idle_caller.submit()
    hands.complete(hands.take(job_id), tickets=[ticket("SPEC-1", metadata=metadata)], risks=[])

    response = idle_caller.get(f"{JOBS}/{job_id}/result")

    assert response.status_code == 200
    assert_fits(response.json(), "TicketsResult")
    assert set(response.json()["tickets"][0]["metadata"]) == set(metadata)


def test_the_largest_result_is_stored_and_served(idle_caller: Caller, hands: Hands) -> None:
    tickets = [
        ticket(f"SPEC-{number}", description="d" * 20_000, acceptance_criteria=["c" * 5000] * 8)
        for number in range(50)
    ]
    job_id = idle_caller.submit()
    hands.complete(hands.take(job_id), tickets=tickets, risks=[])

    served = idle_caller.get(f"{JOBS}/{job_id}/result").json()

    assert served == {**result_document(job_id), "tickets": tickets, "risks": []}


def test_whose_result_it_is_matters_before_what_it_says(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    stale = hands.take(job_id)
    hands.release(stale)
    fresh = hands.take(job_id)
    assert hands.reason("CompleteJob", complete_request(stale, tickets=[])) == "LEASE_LOST"

    idle_caller.call("DELETE", f"{JOBS}/{job_id}")

    assert hands.reason("CompleteJob", complete_request(fresh, tickets=[])) == "CANCEL_REQUESTED"
    assert idle_caller.job(job_id)["status"] == "cancelled"
