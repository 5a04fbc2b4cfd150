"""What is known about a model: how large it is, what it can do, and so how tickets are made.

Read from what its server says of it, or guessed from its name.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

UNKNOWN_CONTEXT = 8192
# A larger window costs the model's server memory that a batch of tickets does not need.
_CONTEXT_BUCKETS = (4096, 8192, 16384)
_FREEFORM_FROM = 2_000_000_000


class Profile(StrEnum):
    """How tickets are made. `EXTRACTIVE`: the model chooses; `FREEFORM`: it writes."""

    EXTRACTIVE = "extractive"
    FREEFORM = "freeform"


@dataclass(frozen=True, slots=True)
class Model:
    """What is known about a model.

    Attributes:
        name: As its server calls it.
        digest: Of its files, as its server gives it; None when nobody says.
        parameters: How many it has; None when nobody says.
        context_length: Tokens that it can take and give in one call.
        thinks: It reasons before it answers, unless told not to.
        profile: How tickets are made with it.
    """

    name: str
    digest: str | None
    parameters: int | None
    context_length: int
    thinks: bool
    profile: Profile

    @property
    def window(self) -> int:
        """The tokens of one call that generation counts on."""
        return min(self.context_length, _CONTEXT_BUCKETS[-1])

    def bucket(self, tokens: int) -> int:
        """A `num_ctx` that fits; few different ones, as each change reloads the model."""
        fitting = next((size for size in _CONTEXT_BUCKETS if size >= tokens), _CONTEXT_BUCKETS[-1])
        return min(fitting, self.context_length)


def described(name: str, details: dict[str, Any], profile: str) -> Model:
    """The model of a name, by what `/api/show` and `/api/tags` say.

    Args:
        name: As its server calls it.
        details: Empty when the server has said nothing.
        profile: The setting: `auto` or a profile.
    """
    parameters = _parameters(name, details)
    small = parameters is not None and parameters < _FREEFORM_FROM
    by_size = Profile.EXTRACTIVE if small else Profile.FREEFORM
    capabilities, digest = details.get("capabilities"), details.get("digest")
    return Model(
        name=name,
        digest=digest[:100] if isinstance(digest, str) else None,
        parameters=parameters,
        context_length=_context_length(details),
        thinks=isinstance(capabilities, list) and "thinking" in capabilities,
        profile=by_size if profile == "auto" else Profile(profile),
    )


def spellings(name: str) -> set[str]:
    """A model's name as servers may list it: without a tag it means the tag `latest`."""
    return {name, f"{name}:latest"}


def can_chat(name: str, details: dict[str, Any]) -> bool:
    """Whether it is not a model for embeddings alone."""
    capabilities = details.get("capabilities")
    if isinstance(capabilities, list) and capabilities:
        return "completion" in capabilities
    families = _mapping(details, "details").get("families")
    bert = isinstance(families, list) and any("bert" in str(family) for family in families)
    return not bert and "embed" not in name


def _context_length(details: dict[str, Any]) -> int:
    info = _mapping(details, "model_info")
    found = info.get(f"{info.get('general.architecture')}.context_length")
    return found if isinstance(found, int) and found >= 1024 else UNKNOWN_CONTEXT  # noqa: PLR2004 - less is no context but a mistake


def _parameters(name: str, details: dict[str, Any]) -> int | None:
    counted = _mapping(details, "model_info").get("general.parameter_count")
    if isinstance(counted, int) and counted > 0:
        return counted
    size = _mapping(details, "details").get("parameter_size")
    if isinstance(size, str) and (parsed := _size(size)):
        return parsed
    return _size(name.partition(":")[2])


def _size(text: str) -> int | None:
    """What `135M`, `8B`, `8x7B` or `1.5b-instruct` stand for."""
    found = re.match(r"(?:(\d+)x)?(\d+(?:\.\d+)?)([kmb])\b", text.strip(), re.IGNORECASE)
    if not found:
        return None
    times, number, unit = found.groups()
    scale = {"k": 10**3, "m": 10**6, "b": 10**9}[unit.lower()]
    return int(int(times or 1) * float(number) * scale)


def _mapping(details: dict[str, Any], key: str) -> dict[str, Any]:
    found = details.get(key)
    return found if isinstance(found, dict) else {}
