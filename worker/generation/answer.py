"""The JSON in a model's answer, whatever the model has put around it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_BEGIN_OF_THOUGHT = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_END_OF_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_DECODER = json.JSONDecoder(strict=False)
# A comma too many and comments, as JavaScript has them, and values as Python spells them; what
# stands in quotes is passed over.
_SLIP = re.compile(
    r'("(?:[^"\\]|\\.)*+"?)|,(?=\s*[}\]])|(?<![^\s,{\[])//[^\n]*|\b(?:None|True|False)\b', re.DOTALL
)
_VALUES = {"None": "null", "True": "true", "False": "false"}
# Where a JSON value may begin.
_OPENING = re.compile(r"[{\[]")
# Prose with so many brackets holds no answer.
_TRIES = 50


class NoJsonError(ValueError):
    """The answer holds no whole JSON value; the message says what is wrong with it."""


def parse(text: str) -> Any:
    """The answer's JSON object, or array of objects, the largest where there are several.

    What stands within broken JSON is no answer, but a part of one.

    Raises:
        NoJsonError: There is none, or it is cut off.
    """
    rest = _SLIP.sub(_mended, _without_thoughts(text))
    if not rest.strip():
        raise NoJsonError("the answer is empty")
    tries = list(_tries(rest))
    found = [one for one in tries if one.fault is None and _may_answer(one.value)]
    if found:
        return max(found, key=lambda one: one.read).value
    faults = [one for one in tries if one.fault]
    if not faults:
        raise NoJsonError("the answer holds no JSON")
    farthest = max(faults, key=lambda one: one.read)
    raise NoJsonError(f"the answer is not valid JSON: {farthest.fault}")


def is_whole(text: str) -> bool:
    """Whether an answer is one JSON object and nothing else, and so not cut off."""
    try:
        return isinstance(json.loads(_without_thoughts(text)), dict)
    except (ValueError, RecursionError):
        return False


def _mended(slip: re.Match[str]) -> str:
    return slip[1] or _VALUES.get(slip[0], "")


@dataclass(frozen=True, slots=True)
class _Try:
    """What was found at one bracket: a value, or a fault; and how far that could be read."""

    read: int
    value: Any = None
    fault: Exception | None = None


def _tries(text: str) -> Iterator[_Try]:
    at = 0
    for _ in range(_TRIES):
        opening = _OPENING.search(text, at)
        if opening is None:
            return
        start = opening.start()
        try:
            value, at = _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as fault:
            at = max(fault.pos, start + 1)
            yield _Try(at - start, fault=fault)
        except RecursionError:
            raise NoJsonError("the answer is nested too deep") from None
        except ValueError:  # thousands of digits
            raise NoJsonError("the answer holds a number without end") from None
        else:
            yield _Try(at - start, value)


def _may_answer(value: Any) -> bool:
    return isinstance(value, dict) or any(isinstance(entry, dict) for entry in value)


def thoughts_in(text: str) -> int:
    """How many characters of a text are thoughts in marks, also those that are cut off."""
    rest = _without_thoughts(text)
    begun = _BEGIN_OF_THOUGHT.search(rest)
    return len(text) - (begun.start() if begun else len(rest))


def _without_thoughts(text: str) -> str:
    """The text without thoughts in marks, also those whose first mark is missing."""
    ends = [found.end() for found in _END_OF_THOUGHT.finditer(text)]
    if not ends:
        return text
    # Beyond the last end nothing is looked for: each opening would be read on to the end.
    thought = _THOUGHTS.sub("", text[: ends[-1]])
    left = _END_OF_THOUGHT.search(thought)
    return (thought[left.end() :] if left else thought) + text[ends[-1] :]
