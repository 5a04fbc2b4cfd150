"""Whether a document is a `tickets.result.v1`: its schema first, then its graph."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from tickets import contract, graph
from tickets.errors import shortened


def result_problems(document: Any) -> list[str]:
    """What is wrong with a result, a line each, at most 20; empty when nothing is."""
    faults = sorted(
        _validator().iter_errors(document), key=lambda fault: list(map(str, fault.path))
    )
    found = [_line(fault) for fault in faults] or graph.problems(document)
    return found[:20]


@cache
def _validator() -> Any:
    dialect = extend(  # type: ignore[no-untyped-call] # its stub is untyped
        Draft202012Validator, {"pattern": _pattern}
    )
    return dialect(contract.result_schema(), format_checker=FormatChecker())


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """JSON Schema's `$` is the end of the string; Python's also lets a newline pass."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _line(fault: ValidationError) -> str:
    """The fault with its place, short however long the offending value is."""
    where = fault.json_path.removeprefix("$").lstrip(".") or "the document"
    return f"{where}: {shortened(fault.message, 160)}"
