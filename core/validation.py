"""The shape of requests, by the rules that stand at the fields in the protos."""

from functools import lru_cache
from typing import Any

import protovalidate
from google.protobuf.message import Message

from tickets.errors import FieldProblem, TaskForgeError

# A poll is the same few bytes again and again.
_SMALL = 200
_REMEMBERED = 4096
# The library would show the pattern. Ours all leave out characters, such as NUL.
_PLAINLY = {"string.pattern": "has a character that must not be in it"}


def check(request: Message) -> None:
    """Checks a request against its proto's rules.

    Raises:
        TaskForgeError: INVALID_ARGUMENT, naming every field at fault.
    """
    if request.ByteSize() > _SMALL:
        problems = _problems(request)
    else:
        kind: Any = type(request)  # can be hashed, whatever its stub says
        problems = _known(kind, request.SerializeToString())
    if problems:
        raise TaskForgeError.invalid(*problems)


@lru_cache(maxsize=_REMEMBERED)
def _known(kind: type[Message], content: bytes) -> tuple[FieldProblem, ...]:
    """The rules look at nothing but the message, so a message is judged once.

    It is not their time that costs: the library lets another thread take over.
    """
    return _problems(kind.FromString(content))


def _problems(request: Message) -> tuple[FieldProblem, ...]:
    violations = protovalidate.collect_violations(request)
    return tuple(_problem(violation.proto) for violation in violations)


def _problem(violation: protovalidate.ViolationPb) -> FieldProblem:
    """A violation with its place in proto field names, such as `options.ticket_count`."""
    place = ""
    for element in violation.field.elements if violation.field else ():
        place += f".{element.field_name}"
        if element.subscript and element.subscript.field == "index":
            place += f"[{element.subscript.value}]"
    problem = _PLAINLY.get(violation.rule_id) or violation.message or violation.rule_id
    return FieldProblem(place.lstrip(".") or "request", problem)
