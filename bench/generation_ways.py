"""The two ways from a spec to tickets that are compared, each as one run with its cost."""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tickets import contract, graph, validation
from worker.cancellation import Cancellation
from worker.generation.job import GenerationError, GenerationJob
from worker.generation.journal import Journal
from worker.generation.pipeline import generate
from worker.ollama import OllamaClient
from worker.provider import Model, Provider

MOST = 50


@dataclass(slots=True)
class Run:
    """One job, done in one way.

    Attributes:
        way: `pipeline` or `naive`.
        spec: The sample's name.
        asked: How many tickets were asked for; None: as many as needed.
        seconds: Wall time.
        journal: What the model was asked.
        written: Tokens that the model wrote, counted by pieces where its server did not count.
        begun: How many tickets it wrote, or at least began.
        result: A valid document with the count that was asked for; None: there is none.
        problem: Why there is none.
    """

    way: str
    spec: str
    asked: int | None
    seconds: float = 0.0
    journal: Journal = field(default_factory=Journal)
    written: int = 0
    begun: int = 0
    result: dict[str, Any] | None = None
    problem: str = ""


def pipeline(name: str, text: str, asked: int | None, provider: Provider, seconds: float) -> Run:
    """What a worker does with a job."""
    run = Run("pipeline", name, asked)
    began = time.monotonic()
    try:
        run.result = generate(
            _job(name, text, asked),
            provider,
            deadline=began + seconds,
            cancellation=Cancellation(),
            report=lambda _stage, _progress: None,
            journal=run.journal,
        )
    except GenerationError as error:
        run.problem = f"{error.code}: {error.message}"
    run.seconds = time.monotonic() - began
    run.written = sum(call.completion_tokens or 0 for call in run.journal.calls)
    run.begun = len(run.result["tickets"]) if run.result else 0
    return run


def naive(
    name: str, text: str, asked: int | None, at: tuple[OllamaClient, Model], seconds: float
) -> Run:
    """One call with the contract's whole schema as `format`; what comes is taken or left.

    Ollama's defaults, but for the context, which is the model's whole one, the
    temperature and the switch that keeps a model from thinking.
    """
    run = Run("naive", name, asked)
    client, model = at
    job_id = str(uuid4())
    options = {"num_ctx": model.context_length, "temperature": 0.0}
    body = {
        "model": model.name,
        "messages": _messages(name, text, asked, job_id),
        "options": options,
        "format": contract.result_schema(),
        **({"think": False} if model.thinks else {}),
    }

    def hear(piece: str) -> None:
        run.written += 1  # servers send a token at a time
        call.hear(piece)

    began = time.monotonic()
    try:
        with run.journal.call(
            purpose="everything",
            prompt="naive",
            model=model.name,
            server=client.address,
            options=options,
        ) as call:
            reply = client.chat(
                body, deadline=began + seconds, cancellation=Cancellation(), heard=hear
            )
            call.answered(reply)
        run.written = reply.completion_tokens or run.written
        run.result, run.problem = _taken(reply.text, job_id, asked)
    except GenerationError as error:
        run.problem = f"{error.code}: {error.message}"
    run.seconds = time.monotonic() - began
    run.begun = call.text.count('"ticket_type"')
    return run


def _job(name: str, text: str, asked: int | None) -> GenerationJob:
    return GenerationJob(
        job_id=str(uuid4()),
        title=name.replace("-", " ").capitalize(),
        spec=text,
        ticket_count=asked,
        max_ticket_count=MOST,
        include_epics=True,
        output_detail="standard",
    )


def _messages(name: str, text: str, asked: int | None, job_id: str) -> list[dict[str, str]]:
    count = f"exactly {asked} tickets" if asked else f"as many tickets as needed, at most {MOST}"
    system = (
        "You turn product specs into tickets. Answer with one JSON document of the schema "
        "tickets.result.v1. Ids are SPEC-1, SPEC-2 and so on; parents are epics; dependencies "
        "name other tickets and are never circular. Every epic has a ticket in it."
    )
    user = f"job_id: {job_id}\nTitle: {name}\nWrite {count}, epics included.\n\n{text}"
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _taken(answer: str, job_id: str, asked: int | None) -> tuple[dict[str, Any] | None, str]:
    """The answer as a result, when it keeps every rule; what code knows better is filled in."""
    try:
        result = json.loads(answer)
    except ValueError:
        return None, "the answer is no JSON"
    if not isinstance(result, dict):
        return None, "the answer is no object"
    result |= {"schema_version": "tickets.result.v1", "job_id": job_id}
    problems = validation.result_problems(result) or graph.count_problems(
        result, ticket_count=asked, max_ticket_count=MOST, include_epics=True
    )
    return (None, f"breaks a rule: {problems[0]}") if problems else (result, "")
