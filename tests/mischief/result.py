"""What has to hold of every result, whatever model has written it."""

import json
from collections.abc import Iterator
from typing import Any

from tickets import graph, validation
from worker.generation.checks import is_blank
from worker.generation.dialects import as_markdown
from worker.generation.endings import goes_round
from worker.generation.job import GenerationJob
from worker.generation.roles import Role, Unit, sort
from worker.generation.similarity import words
from worker.generation.spec import parse
from worker.generation.text import clean, folded, one_line, shorten

Json = dict[str, Any]

_MOST = 0.7
_HALF = 0.5
_QUOTED = 400
# Beside a spec's own length.
_LARGEST = 400_000
_LEAKS = ("answer with one json object", "senior product engineer", "an ai language model")


def wrongs_of(result: Json, asked: GenerationJob, *, written: bool) -> Iterator[str]:
    """What is wrong with the result of a job, a line each.

    Args:
        result: As generation gives it.
        asked: The job.
        written: By the model; else its words are all the spec's.
    """
    yield from validation.result_problems(result)
    yield from graph.count_problems(
        result,
        ticket_count=asked.ticket_count,
        max_ticket_count=asked.max_ticket_count,
        include_epics=asked.include_epics,
    )
    for unit in _lost(result, asked.spec):
        yield f"lost: {unit.text[:80]!r}"
    for text in _texts({**result, "generation": None, "job_id": ""}):
        if clean(text) != text:
            yield f"unclean: {text[:80]!r}"
    for ticket in result["tickets"]:
        yield from _rubbish(ticket, asked.spec, written=written)
    titles = [folded(ticket["title"]) or ticket["title"] for ticket in result["tickets"]]
    if len(set(titles)) < len(titles):
        yield "titles repeated"
    size = len(json.dumps(result, ensure_ascii=False))
    if size > _LARGEST + 10 * len(asked.spec):
        yield f"too large: {size} characters"


def _lost(result: Json, spec: str) -> Iterator[Unit]:
    """The requirements that no ticket tells and no question quotes."""
    texts = [_said(ticket) for ticket in result["tickets"]]
    told = [words(text) for text in texts]
    cited = [_spans(ticket) for ticket in result["tickets"]]
    asked = [question["question"] for question in result["open_questions"]]
    for unit in sort(parse(as_markdown(spec))):
        if unit.role is not Role.REQUIREMENT:
            continue
        own = words(unit.text)
        numbers = {word for word in own if word.isdigit()}
        if any(len(own & said) >= _MOST * len(own) for said in told):
            continue
        if any(unit.text in one_line(text) for text in texts):  # short words count little
            continue
        if any(
            len(own & said) >= _HALF * len(own) and numbers <= said and _holds(spans, unit)
            for said, spans in zip(told, cited, strict=True)
        ):
            continue
        if not any(shorten(unit.text, _QUOTED) in question for question in asked):
            yield unit


def _said(ticket: Json) -> str:
    return " ".join([ticket["title"], ticket["description"], *ticket["acceptance_criteria"]])


def _spans(ticket: Json) -> list[tuple[int, int]]:
    return [(one["start"], one["end"]) for one in ticket["metadata"].get("source_spans", [])]


def _holds(spans: list[tuple[int, int]], unit: Unit) -> bool:
    start, end = unit.sentence.span
    return any(first <= start and end <= last for first, last in spans)


def _rubbish(ticket: Json, spec: str, *, written: bool) -> Iterator[str]:
    """What no team lead would import, unless the spec itself says it."""
    own = ticket["external_id"]
    texts = [ticket["title"], ticket["description"], *ticket["acceptance_criteria"]]
    if written and not is_blank(spec):
        told = one_line(spec)
        yield from (
            f"says nothing: {own} {text[:80]!r}"
            for text in texts
            # Rules that differ in a word go round, and so may an epic that lists its tickets.
            if is_blank(text) and not goes_round(text) and text not in told
        )
    if not any(map(str.isalnum, ticket["title"])):
        yield f"no title: {own} {ticket['title']!r}"
    for leak in _LEAKS:
        if leak in _said(ticket).lower() and leak not in spec.lower():
            yield f"the prompt's own words: {own} {leak!r}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
