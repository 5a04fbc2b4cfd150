"""Runs of generation against a scripted Ollama, checked as every result is."""

import json
import time
from typing import Any

import pytest

from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from tickets import graph, validation
from worker.cancellation import Cancellation
from worker.generation.job import GenerationError, GenerationJob
from worker.generation.journal import Journal
from worker.generation.pipeline import generate
from worker.provider import Provider

JOB_ID = "0b0f0e9c-5a0a-4f6e-9a53-0d0f7f1c2a11"
SPEC = """# Room booking
Employees can search rooms by date and size.
A booking must be at most four hours long.
The system sends a confirmation by email.
"""


def job(spec: str = SPEC, **options: Any) -> GenerationJob:
    """A job with the contract's defaults."""
    given_options = {
        "title": "Room booking",
        "ticket_count": None,
        "max_ticket_count": 50,
        "include_epics": True,
        "output_detail": "standard",
        **options,
    }
    return GenerationJob(job_id=JOB_ID, spec=spec, **given_options)


def run(
    peer: OllamaPeer,
    asked: GenerationJob,
    *,
    model: str = LARGE,
    journal: Journal | None = None,
    provider: Provider | None = None,
    seconds: float = 60,
    cancellation: Cancellation | None = None,
) -> dict[str, Any]:
    """The result of a job, which keeps every rule."""
    result = generate(
        asked,
        provider or Provider(peer.url, model=model),
        deadline=time.monotonic() + seconds,
        cancellation=cancellation or Cancellation(),
        report=lambda _stage, _progress: None,
        journal=journal,
    )
    assert validation.result_problems(result) == []
    assert (
        graph.count_problems(
            result,
            ticket_count=asked.ticket_count,
            max_ticket_count=asked.max_ticket_count,
            include_epics=asked.include_epics,
        )
        == []
    )
    return result


def failure(peer: OllamaPeer, asked: GenerationJob, *, seconds: float = 60) -> GenerationError:
    """How a job fails."""
    with pytest.raises(GenerationError) as caught:
        run(peer, asked, seconds=seconds)
    return caught.value


def rules(journal: Journal) -> dict[str, str]:
    """What was done about each rule that was broken."""
    return {repair.rule: repair.done for repair in journal.repairs}


def replying(peer: OllamaPeer, answer: Any, spec: str = SPEC, **options: Any) -> dict[str, Any]:
    """The result of a job whose model gives one answer to every call."""
    peer.replies["given"] = answer if isinstance(answer, str) else json.dumps(answer)
    journal = options.pop("journal", None)
    asked = job(spec, title="Rooms [[peer: reply given]]", **options)
    return run(peer, asked, journal=journal)


def leaves(peer: OllamaPeer, spec: str, **options: Any) -> list[dict[str, Any]]:
    """The tickets of a small model, without epics."""
    tickets = run(peer, job(spec, include_epics=False, **options), model=SMALL)["tickets"]
    return list(tickets)


def titles(peer: OllamaPeer, spec: str, **options: Any) -> list[str]:
    """Those of a small model's tickets."""
    return [ticket["title"] for ticket in leaves(peer, spec, **options)]


def criteria(peer: OllamaPeer, spec: str, **options: Any) -> list[str]:
    """Those of all of a small model's tickets."""
    tickets = leaves(peer, spec, **options)
    return [criterion for ticket in tickets for criterion in ticket["acceptance_criteria"]]


def ticket(title: str, **fields: Any) -> dict[str, Any]:
    """A ticket as a model writes it."""
    return {
        "title": title,
        "type": "story",
        "description": f"{title} as the spec says.",
        "criteria": ["It is shown on the page."],
        "sources": [1],
        "priority": "medium",
        "points": 3,
        "labels": ["rooms"],
        "after": [],
        **fields,
    }
