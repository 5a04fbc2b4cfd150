"""JSON text, strictly: what two readers could understand differently is refused."""

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tickets.errors import FieldProblem, TaskForgeError, shortened

_DEEPEST = 32
_LONGEST_NUMBER = 40
_UNFIT = re.compile("[\\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Fault:
    """Stands in the parsed document where a fault was found, until its path is known."""

    problem: str


def parse(text: bytes) -> Any:
    """The JSON values of a document in UTF-8.

    Raises:
        TaskForgeError: INVALID_ARGUMENT with the path of the first fault: bad
            UTF-8, NaN, duplicate keys, lone surrogates, NUL, absurd depth or
            numbers, or no JSON at all.
    """
    try:
        document = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=lambda name: _Fault(f"must not be {name}"),
            parse_int=_integer,
            parse_float=_number,
        )
    except UnicodeDecodeError as fault:
        raise _invalid("body", f"is not UTF-8 at byte {fault.start}") from None
    except json.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise _invalid("body", f"is not JSON: {fault.msg} at {where}") from None
    except RecursionError:
        raise _invalid("body", "is nested too deeply") from None
    _check(document, "", 0)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Fault:
    document = dict(pairs)
    if len(document) == len(pairs):
        return document
    repeated, _ = Counter(key for key, _ in pairs).most_common(1)[0]
    return _Fault(f"has the key {_printable(repeated)} more than once")


def _integer(digits: str) -> int | _Fault:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else _Fault("is too large a number")


def _number(digits: str) -> float | _Fault:
    if len(digits) > _LONGEST_NUMBER:
        return _Fault("has too many digits")
    number = float(digits)
    return number if math.isfinite(number) else _Fault("is too large a number")


def _check(value: Any, place: str, depth: int) -> None:
    """Finds faults, with their paths."""
    if isinstance(value, _Fault):
        raise _invalid(place or "body", value.problem)
    if isinstance(value, str):
        _check_text(value, place or "body")
        return
    if not isinstance(value, dict | list):
        return
    if depth == _DEEPEST:
        raise _invalid(place or "body", "is nested too deeply")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, f"{place}[{index}]", depth + 1)
        return
    for key, item in value.items():
        path = f"{place}.{_printable(key)}" if place else _printable(key)
        _check_text(key, path)
        _check(item, path, depth + 1)


def _check_text(text: str, place: str) -> None:
    found = _UNFIT.search(text)
    if found:
        kind = "a NUL character" if found[0] == "\0" else "half of a surrogate pair"
        raise _invalid(place, f"must not contain {kind}")


def _printable(key: str) -> str:
    """A key as part of a path that can be sent and read."""
    shown = _UNFIT.sub("\ufffd", key)
    return shortened(shown, 60)


def _invalid(place: str, problem: str) -> TaskForgeError:
    return TaskForgeError.invalid(FieldProblem(place, problem))
