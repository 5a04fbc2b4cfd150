"""The contract's JSON as protobuf messages: the other direction of `tickets.codec`.

Strict: an unknown or wrongly-cased field, a null where none is allowed, an
enum by its proto name, `true` for a number are refused, naming the field.
`3.0` is an integer.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from tickets.codec import enum_numbers, shown_fields
from tickets.errors import FieldProblem, TaskForgeError, shortened

M = TypeVar("M", bound=Message)


_INT32 = range(-(2**31), 2**31)
# As many faults as are told, and as much of a name: a request of nothing else must stay cheap.
_MOST_PROBLEMS = 20
_LONGEST_NAME = 60


class _WrongValueError(ValueError):
    """The value is not what its field takes; the message says what it takes."""


def decode(message_type: type[M], document: Any, *, nulls: bool = False) -> M:
    """The message that a JSON document means.

    Args:
        message_type: Its class.
        document: JSON values.
        nulls: Whether null stands for an unset `optional` field or enum, as
            in responses; in requests it is refused.

    Raises:
        TaskForgeError: INVALID_ARGUMENT, naming the fields at fault, at most 20.
    """
    message = message_type()
    problems: list[FieldProblem] = []
    _put_message(message, document, "", problems, nulls=nulls)
    if problems:
        raise TaskForgeError.invalid(*problems[:_MOST_PROBLEMS])
    return message


def _put_message(
    message: Message, document: Any, place: str, problems: list[FieldProblem], *, nulls: bool
) -> None:
    if not isinstance(document, dict):
        problems.append(FieldProblem(place or "body", "must be an object"))
        return
    fields = _fields(message.DESCRIPTOR)
    for name, value in document.items():
        if len(problems) >= _MOST_PROBLEMS:
            return
        shown = shortened(name, _LONGEST_NAME)
        path = f"{place}.{shown}" if place else shown
        field = fields.get(name)
        if field is None:
            problems.append(FieldProblem(path, _unknown(shown, fields)))
        elif value is not None:
            _put_field(message, field, value, path, problems, nulls=nulls)
        elif not (nulls and (field.has_presence or field.enum_type)):
            problems.append(FieldProblem(path, "must not be null"))


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {field.name: field for field in shown_fields(descriptor)}


def _unknown(name: str, fields: dict[str, FieldDescriptor]) -> str:
    near = get_close_matches(name.lower(), fields, n=1)
    return "is not a field" + (f"; did you mean {near[0]}?" if near else "")


def _put_field(
    message: Message,
    field: FieldDescriptor,
    value: Any,
    place: str,
    problems: list[FieldProblem],
    *,
    nulls: bool,
) -> None:
    if field.is_repeated:
        _put_list(message, field, value, place, problems, nulls=nulls)
    elif field.message_type is not None:
        held = getattr(message, field.name)
        held.SetInParent()
        _put_held(held, value, place, problems, nulls=nulls)
    else:
        try:
            setattr(message, field.name, _scalar(field, value))
        except _WrongValueError as wrong:
            problems.append(FieldProblem(place, str(wrong)))


def _put_list(
    message: Message,
    field: FieldDescriptor,
    value: Any,
    place: str,
    problems: list[FieldProblem],
    *,
    nulls: bool,
) -> None:
    if not isinstance(value, list):
        problems.append(FieldProblem(place, "must be a list"))
        return
    held = getattr(message, field.name)
    for index, item in enumerate(value):
        path = f"{place}[{index}]"
        if field.message_type is not None:
            _put_held(held.add(), item, path, problems, nulls=nulls)
            continue
        try:
            held.append(_scalar(field, item))
        except _WrongValueError as wrong:
            problems.append(FieldProblem(path, str(wrong)))


def _put_held(
    message: Any, value: Any, place: str, problems: list[FieldProblem], *, nulls: bool
) -> None:
    put = _SPECIAL.get(message.DESCRIPTOR.full_name)
    if put is None:
        _put_message(message, value, place, problems, nulls=nulls)
        return
    try:
        put(message, value)
    except _WrongValueError as wrong:
        problems.append(FieldProblem(place, str(wrong)))


def _put_struct(message: Any, value: Any) -> None:
    if not isinstance(value, dict):
        raise _WrongValueError("must be an object")
    message.update(value)


def _put_time(message: Any, value: Any) -> None:
    try:
        message.FromJsonString(value)
    except (AttributeError, TypeError, ValueError):
        raise _WrongValueError("must be a time such as 2026-01-02T03:04:05Z") from None


_SPECIAL: dict[str, Callable[[Any, Any], None]] = {
    "google.protobuf.Struct": _put_struct,
    "google.protobuf.Timestamp": _put_time,
}


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    return _SCALARS[field.type](field, value)


def _text(_: FieldDescriptor, value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongValueError("must be a string")
    return value


def _flag(_: FieldDescriptor, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongValueError("must be true or false")
    return value


def _integer(_: FieldDescriptor, value: Any) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise _WrongValueError("must be a whole number")
    if int(value) not in _INT32:
        raise _WrongValueError("is too large a number")
    return int(value)


def _enum(field: FieldDescriptor, value: Any) -> int:
    numbers: dict[str, int] = enum_numbers(field.enum_type)
    if not isinstance(value, str) or value not in numbers:
        raise _WrongValueError(f"must be one of {', '.join(numbers)}")
    return numbers[value]


_SCALARS: dict[int, Callable[[FieldDescriptor, Any], Any]] = {
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BOOL: _flag,
    FieldDescriptor.TYPE_INT32: _integer,
    FieldDescriptor.TYPE_ENUM: _enum,
}
