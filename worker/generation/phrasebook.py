"""What code itself says in tickets, in the spec's language: `worker/prompts/phrasebook.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from worker.generation import language
from worker.generation.prompts import FOLDER

_ENGLISH = "en"
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Facet:
    """An ordinary step beside the work itself.

    Attributes:
        step: Begins the title; the title of the work follows.
        kind: The contract's `ticket_type`.
        criterion: True when the step is done; the requirement follows.
    """

    step: str
    kind: str
    criterion: str


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The phrases of one language; the file says what each is for."""

    both: str
    more: str
    capitals: bool
    done: str
    beyond: str
    outside: str
    uncovered: str
    under: str
    further: str
    facets: tuple[Facet, ...]

    def pair(self, first: str, second: str) -> str:
        """Two names as one: "Orders, pharmacy and stock", not "orders and pharmacy and stock"."""
        joined = f" {self.both} " if self.both else ", "
        return f"{first}, {second}" if joined in f"{first} {second}" else f"{first}{joined}{second}"

    def several(self, first: str, second: str) -> str:
        """Two names, and that there are others."""
        return f"{first}, {second} {self.both} {self.more}".replace("  ", " ")

    def facet(self, number: int) -> Facet:
        """The facet of a number from 1; they begin again after the last."""
        return self.facets[(number - 1) % len(self.facets)]


def of(text: str) -> Phrasebook:
    """That of the language which a text is in."""
    books = _books()
    return books.get(language.of(text), books[_OTHER])


def english() -> Phrasebook:
    """That of titles which are made for English."""
    return _books()[_ENGLISH]


@cache
def _books() -> dict[str, Phrasebook]:
    told = tomllib.loads((FOLDER / "phrasebook.toml").read_text(encoding="utf-8"))
    return {code: _book({**told[_ENGLISH], **own}) for code, own in told.items()}


def _book(told: dict[str, Any]) -> Phrasebook:
    facets = tuple(Facet(**facet) for facet in told.pop("facets"))
    return Phrasebook(facets=facets, **told)
