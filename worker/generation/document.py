"""The canonical `tickets.result.v1` document, built from mended drafts."""

from typing import Any

from tickets import contract
from worker.generation.draft import Drafts, Span, TicketDraft
from worker.generation.job import GenerationJob


def document(job: GenerationJob, drafts: Drafts, generation: dict[str, Any]) -> dict[str, Any]:
    """The result of a job.

    Args:
        job: What was asked for.
        drafts: Mended: their references hold.
        generation: The contract's `GenerationMetadata`.
    """
    return {
        "schema_version": contract.RESULT_VERSION,
        "job_id": job.job_id,
        "source": {"title": job.name, "summary": drafts.summary},
        "tickets": [_ticket(place, ticket) for place, ticket in enumerate(drafts.tickets)],
        "risks": [
            {
                "id": f"RISK-{number}",
                "description": risk.text,
                "severity": risk.severity,
                "related_ticket_ids": [_id(place) for place in risk.tickets],
            }
            for number, risk in enumerate(drafts.risks, 1)
        ],
        "open_questions": [
            {
                "id": f"Q-{number}",
                "question": question.text,
                "related_ticket_ids": [_id(place) for place in question.tickets],
            }
            for number, question in enumerate(drafts.questions, 1)
        ],
        "generation": generation,
    }


def _id(place: int) -> str:
    return f"SPEC-{place + 1}"


def _ticket(place: int, ticket: TicketDraft) -> dict[str, Any]:
    return {
        "external_id": _id(place),
        "ticket_type": ticket.kind,
        "title": ticket.title,
        "description": ticket.description,
        "acceptance_criteria": ticket.criteria,
        "labels": ticket.labels,
        "dependencies": [_id(other) for other in ticket.after],
        "story_points": ticket.points,
        "priority": ticket.priority,
        "parent_external_id": None if ticket.parent is None else _id(ticket.parent),
        "metadata": _metadata(ticket),
    }


def _metadata(ticket: TicketDraft) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if ticket.component:
        metadata["component"] = ticket.component
    if ticket.confidence is not None:
        metadata["confidence"] = round(min(max(ticket.confidence, 0.0), 1.0), 2)
    if ticket.spans:
        metadata["source_spans"] = [
            {"start": start, "end": end} for start, end in _joined(ticket.spans)
        ]
    return metadata


def _joined(spans: list[Span]) -> list[Span]:
    """The spans in order, neighbours put together; offsets count characters of the spec."""
    joined: list[Span] = []
    for start, end in sorted(set(spans)):
        # Between neighbours stand a bullet or a line end, hardly ever more.
        if joined and start <= joined[-1][1] + 4:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
