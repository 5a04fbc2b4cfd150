"""Whether a document is a `tickets.result.v1`: its schema first, then its graph."""

from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from tickets import contract, graph


def result_problems(document: Any) -> list[str]:
    """What is wrong with a result, a line each, at most 20; empty when nothing is."""
    validator = _validator()
    if validator.is_valid(document):
        return graph.problems(document)[:20]
    faults = sorted(validator.iter_errors(document), key=_place)
    return [_line(fault) for fault in faults][:20]


@cache
def _validator() -> Draft202012Validator:
    # The values are texts of specs and tickets, which no log may hold.
    return Draft202012Validator(contract.result_schema(), validate_formats=True, mask="it")


def _place(fault: ValidationError) -> str:
    """Where the fault is, as one would write it: `tickets[0].title`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.instance_path)
    return "".join(steps).lstrip(".")


def _line(fault: ValidationError) -> str:
    """The fault with its place, and without the offending value."""
    return f"{_place(fault) or 'the document'}: {fault.message}"
