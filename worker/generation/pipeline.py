"""From a spec to a checked result, by whichever profile the model needs."""

from collections.abc import Callable
from typing import Any

from tickets import graph, validation
from tickets.lifecycle import Stage
from worker.cancellation import Cancellation
from worker.generation import epics, extractive, freeform, phrasebook
from worker.generation.calls import Calls
from worker.generation.dialects import as_markdown
from worker.generation.document import document
from worker.generation.job import GenerationJob, unusable
from worker.generation.journal import Journal
from worker.generation.mending import mend
from worker.generation.spec import parse
from worker.provider import Profile, Provider

_WRITERS = {Profile.EXTRACTIVE: extractive.write, Profile.FREEFORM: freeform.write}


def generate(
    job: GenerationJob,
    provider: Provider,
    *,
    deadline: float,
    cancellation: Cancellation,
    report: Callable[[Stage, str], None],
    journal: Journal | None = None,
) -> dict[str, Any]:
    """A `tickets.result.v1` document that keeps every rule, and the job's options.

    Args:
        job: What is asked for.
        provider: The model that makes it.
        deadline: On the monotonic clock, for all calls together.
        cancellation: Ends the attempt at any moment.
        report: Is told each stage, and how far it has come in a few words.
        journal: Takes what is done, also when the attempt fails.

    Raises:
        GenerationError: The attempt has failed.
        GenerationCancelled: The cancellation was requested.
    """
    report(Stage.PREPARING_PROMPT, "reading the spec")
    text = as_markdown(job.spec)
    if not any(map(str.isalnum, text)):
        raise unusable("the spec has no words to make tickets of")
    own = Cancellation()
    with cancellation.interrupting(own.request):
        calls = Calls(provider, deadline, own, journal or Journal())
        spec = parse(text)
        book = phrasebook.of(" ".join(one.text for one in spec.sentences))
        drafts = _WRITERS[calls.model.profile](job, spec, calls, report, book)
    report(Stage.VALIDATING_OUTPUT, f"{len(drafts.tickets)} tickets")
    mend(
        drafts,
        calls.journal,
        name=job.name,
        include_epics=job.include_epics,
        book=book,
    )
    epics.ground(drafts.tickets)
    result = document(job, drafts, calls.metadata())
    _check(result, job)
    return result


def _check(result: dict[str, Any], job: GenerationJob) -> None:
    problems = validation.result_problems(result) or graph.count_problems(
        result,
        ticket_count=job.ticket_count,
        max_ticket_count=job.max_ticket_count,
        include_epics=job.include_epics,
    )
    if problems:
        raise unusable(f"the tickets break a rule: {problems[0]}")
