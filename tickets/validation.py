"""Whether a document is a `tickets.result.v1`: its schema first, then its graph."""

from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from tickets import contract, graph
from tickets.errors import shortened


def result_problems(document: Any) -> list[str]:
    """What is wrong with a result, a line each, at most 20; empty when nothing is."""
    validator = _validator()
    if validator.is_valid(document):
        return graph.problems(document)[:20]
    faults = sorted(validator.iter_errors(document), key=_place)
    return [_line(fault) for fault in faults][:20]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(contract.result_schema(), validate_formats=True)


def _place(fault: ValidationError) -> str:
    """Where the fault is, as one would write it: `tickets[0].title`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.instance_path)
    return "".join(steps).lstrip(".")


def _line(fault: ValidationError) -> str:
    """The fault with its place, short however long the offending value is."""
    return f"{_place(fault) or 'the document'}: {shortened(fault.message, 160)}"
