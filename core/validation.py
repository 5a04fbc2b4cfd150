"""The shape of requests, by the rules that stand at the fields in the protos."""

import protovalidate
from google.protobuf.message import Message

from tickets.errors import FieldProblem, TaskForgeError


def check(request: Message) -> None:
    """Checks a request against its proto's rules.

    Raises:
        TaskForgeError: INVALID_ARGUMENT, naming every field at fault.
    """
    violations = protovalidate.collect_violations(request)
    if violations:
        raise TaskForgeError.invalid(*(_problem(violation.proto) for violation in violations))


def _problem(violation: protovalidate.ViolationPb) -> FieldProblem:
    """A violation with its place in proto field names, such as `options.ticket_count`."""
    place = ""
    for element in violation.field.elements if violation.field else ():
        place += f".{element.field_name}"
        if element.subscript and element.subscript.field == "index":
            place += f"[{element.subscript.value}]"
    return FieldProblem(place.lstrip(".") or "request", violation.message or violation.rule_id)
