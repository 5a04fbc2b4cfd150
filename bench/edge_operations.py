"""What the sides are asked, and what the canned core answers: the same for all sides."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from taskforge.tickets.v1 import jobs_pb2, result_pb2

from tickets.decoding import decode

# Stands where each request puts an idempotency key of its own; as long as one.
KEY_PLACE = "0" * 32
TICKETS = 50

_SENTENCE = "Staff scan the label of a returned parcel, and the portal shows what it holds. "
SUBMISSION: dict[str, Any] = {
    "schema_version": "tickets.input.v1",
    "idempotency_key": KEY_PLACE,
    "title": "Returns portal",
    "spec": _SENTENCE * 25,
    "options": {"ticket_count": 12, "max_ticket_count": 20, "include_epics": True},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the calls that are measured.

    Attributes:
        name: As it stands in the tables.
        http_method: `GET` or `POST`.
        path: With `{job_id}`.
        rpc: The RPC's name in TicketsService.
    """

    name: str
    http_method: str
    path: str
    rpc: str

    def message(self, job_id: str) -> Message:
        """The RPC's request."""
        if self.http_method == "POST":
            return decode(jobs_pb2.TicketsJobSubmitRequest, SUBMISSION)
        named = {"status": jobs_pb2.GetTicketsJobRequest, "result": _RESULT_REQUEST}
        return named[self.name](job_id=job_id)


_RESULT_REQUEST = jobs_pb2.GetTicketsJobResultRequest
OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("status", "GET", "/tickets/v1/jobs/{job_id}", "GetTicketsJob"),
        Operation("result", "GET", "/tickets/v1/jobs/{job_id}/result", "GetTicketsJobResult"),
        Operation("submit", "POST", "/tickets/v1/jobs", "SubmitTicketsJob"),
    )
}


def result(job_id: str) -> result_pb2.TicketsResult:
    """A result of 50 tickets, 65 KB as JSON."""
    document = {
        "schema_version": "tickets.result.v1",
        "job_id": job_id,
        "source": {"title": "Returns portal", "summary": _SENTENCE},
        "tickets": [_ticket(number) for number in range(1, TICKETS + 1)],
        "risks": [_risk(number) for number in range(1, 6)],
        "open_questions": [_question(number) for number in range(1, 6)],
        "generation": {
            "model": "a-model:8b",
            "duration_ms": 61_000,
            "prompt_tokens": 2_400,
            "completion_tokens": 14_000,
            "finish_reason": "stop",
        },
    }
    return decode(result_pb2.TicketsResult, document, nulls=True)


def _ticket(number: int) -> dict[str, Any]:
    is_epic = number % 10 == 1
    return {
        "external_id": f"SPEC-{number}",
        "ticket_type": "epic" if is_epic else "story",
        "title": f"Scan the label of a returned parcel at desk {number}",
        "description": _SENTENCE * 6,
        "acceptance_criteria": [f"At desk {number}: {_SENTENCE.strip()}"] * 4,
        "labels": ["returns", "portal", f"desk-{number}"],
        "dependencies": [] if is_epic or number % 10 == 2 else [f"SPEC-{number - 1}"],
        "story_points": None if is_epic else 3,
        "priority": "high",
        "parent_external_id": None if is_epic else f"SPEC-{number - (number - 1) % 10}",
        "metadata": {"component": "portal", "confidence": 0.75, "suggested_milestone": "M1"},
    }


def _risk(number: int) -> dict[str, Any]:
    return {
        "id": f"RISK-{number}",
        "description": _SENTENCE,
        "severity": "medium",
        "related_ticket_ids": [f"SPEC-{number}"],
    }


def _question(number: int) -> dict[str, Any]:
    return {"id": f"Q-{number}", "question": _SENTENCE, "related_ticket_ids": [f"SPEC-{number}"]}
