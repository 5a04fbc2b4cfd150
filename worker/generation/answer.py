"""The JSON in a model's answer, whatever the model has put around it."""

import json
import re
from typing import Any

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_OPEN_THOUGHT = re.compile(r"\A.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
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
    rest = _OPEN_THOUGHT.sub("", _THOUGHTS.sub("", text))
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
