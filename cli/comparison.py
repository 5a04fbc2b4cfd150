"""What one run of a job comes to, so that it can be laid beside another."""

from typing import Any

from cli.rest import Document


def compared(job: Document, number: int, attempts: list[Any]) -> dict[str, Any]:
    """A run in figures, with its tickets; `number` 0 is the original, 1 its first replay.

    Counts are of all attempts that were told of. Tokens are None where the
    model's server did not count, and whatever tickets there are where the job
    did not complete.
    """
    stories = [attempt["provenance"] for attempt in attempts]
    calls = [call for story in stories for call in story["calls"]]
    repairs = [repair for story in stories for repair in story["repairs"]]
    result = job["result"] or {}
    return {
        "job_id": job["job"]["job_id"],
        "replay": number,
        "status": job["job"]["status"],
        "error": job["job"]["error"],
        "model": result.get("generation", {}).get("model")
        or _of_model(stories, "name")
        or job["model"],
        "profile": _of_model(stories, "profile"),
        "attempts": len(attempts),
        "calls": len(calls) + sum(story["calls_left_out"] for story in stories),
        "failed_calls": sum(bool(call["error"]) for call in calls),
        "prompt_tokens": _sum(calls, "prompt_tokens"),
        "completion_tokens": _sum(calls, "completion_tokens"),
        "repairs": sum(bool(repair["done"]) for repair in repairs)
        + sum(story["repairs_left_out"] for story in stories),
        "let_pass": sum(not repair["done"] for repair in repairs),
        "duration_ms": sum(story["duration_ms"] for story in stories),
        "tickets": [_ticket(ticket) for ticket in result.get("tickets", [])],
        "open_questions": len(result.get("open_questions", [])),
    }


def _of_model(stories: list[Any], what: str) -> str | None:
    """What the last attempt knew of its model."""
    return next((story["model"].get(what) for story in reversed(stories) if story["model"]), None)


def _sum(calls: list[Any], count: str) -> int | None:
    """The sum over calls that were answered; None where one of them was not counted."""
    counts = [call[count] for call in calls if not call["error"]]
    return None if None in counts else sum(counts)


def _ticket(ticket: Document) -> Document:
    return {name: ticket[name] for name in ("external_id", "ticket_type", "title", "story_points")}
