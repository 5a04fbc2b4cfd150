"""How much of its protocol a server is asked for: less, once it has refused something."""

import re
from dataclasses import dataclass, replace
from typing import Any

from worker.ollama.faults import RefusedError

_FORMATS = ("schema", "json", "none")
_REFUSALS = frozenset({400, 422, 501})
# Before 0.30 Ollama says with status 500, or within the stream, that it cannot take a schema.
_ABOUT_FORMAT = re.compile(r"\bin format\b|\binvalid format\b|\bgrammar\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Manner:
    """The parts of a request that some servers refuse.

    Attributes:
        format: Place on the ladder from a schema over `"json"` to the prompt alone.
        tells_not_to_think: Models that think are told not to.
    """

    format: int = 0
    tells_not_to_think: bool = True

    def extras(self, schema: dict[str, Any], *, thinks: bool) -> dict[str, Any]:
        """What a request carries beside messages and options."""
        extras: dict[str, Any] = {}
        if thinks and self.tells_not_to_think:
            extras["think"] = False
        if _FORMATS[self.format] != "none":
            extras["format"] = schema if _FORMATS[self.format] == "schema" else "json"
        return extras

    def lesser(self, refusal: RefusedError, *, asked: bool) -> "Manner | None":
        """What to try after a refusal; None: asking for less would not help.

        Args:
            refusal: What the server has said.
            asked: The request told the model not to think.
        """
        about_format = _ABOUT_FORMAT.search(refusal.detail) is not None
        if refusal.over_context or not (refusal.status in _REFUSALS or about_format):
            return None
        if asked and "think" in refusal.detail:
            return replace(self, tells_not_to_think=False)
        if self.format + 1 < len(_FORMATS):
            return replace(self, format=self.format + 1)
        return None
