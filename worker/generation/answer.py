"""The JSON in a model's answer, whatever the model has put around it."""

import json
import re
from typing import Any

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_DECODER = json.JSONDecoder(strict=False)
# Prose with so many brackets holds no answer.
_TRIES = 50


class NoJsonError(ValueError):
    """The answer holds no whole JSON value; the message says what is wrong with it."""


def parse(text: str) -> Any:
    """The answer's JSON object or array, the largest where there are several.

    Raises:
        NoJsonError: There is none, or it is cut off.
    """
    rest = _without_thoughts(text)
    fault = "the answer is empty" if not rest.strip() else "the answer holds no JSON"
    best: tuple[int, Any] | None = None
    at = 0
    for _ in range(_TRIES):
        opening = re.compile(r"[{\[]").search(rest, at)
        if opening is None:
            break
        try:
            value, end = _DECODER.raw_decode(rest, opening.start())
        except (ValueError, RecursionError) as error:
            fault = fault if best else f"the answer is not valid JSON: {error}"
            at = opening.start() + 1
            continue
        if best is None or end - opening.start() > best[0]:
            best = (end - opening.start(), value)
        at = end
    if best is None:
        raise NoJsonError(fault)
    return best[1]


def _without_thoughts(text: str) -> str:
    """The text without thoughts in marks, also those whose first mark is missing."""
    ends = [found.end() for found in _END_OF_THOUGHT.finditer(text)]
    if not ends:
        return text
    # Beyond the last end nothing is looked for: each opening would be read on to the end.
    thought = _THOUGHTS.sub("", text[: ends[-1]])
    left = _END_OF_THOUGHT.search(thought)
    return (thought[left.end() :] if left else thought) + text[ends[-1] :]
