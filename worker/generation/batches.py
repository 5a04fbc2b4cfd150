"""A spec cut into stretches, each of which fits into one call together with its answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate

from worker.generation.plan import needed
from worker.generation.prompts import fenced
from worker.generation.spec import Section, Sentence
from worker.generation.text import shorten

# How long each sentence may be where a stretch cannot be cut any smaller, and how many are
# told: every one, every second and so on.
_CONDENSED = tuple((shown, 2**power) for power in range(12) for shown in (200, 100, 50))
Parts = tuple[tuple[Section, tuple[Sentence, ...]], ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of the spec, and how many tickets to make of it.

    Attributes:
        parts: The sections, or pieces of them.
        required: Numbers of the sentences, in the whole spec, that are requirements.
        count: Exactly so many tickets, epics of its own included; None: as many as needed.
        most: Never more than this many.
        whole: It is the whole spec, and there is nothing besides.
        shown: Of each sentence the model sees at most so many characters; 0: all.
        every: It sees one of so many sentences; 1: each.
    """

    parts: Parts
    required: frozenset[int]
    count: int | None
    most: int
    whole: bool = False
    shown: int = 0
    every: int = 1

    @property
    def sentences(self) -> list[Sentence]:
        return [sentence for _, sentences in self.parts for sentence in sentences]

    @property
    def requirements(self) -> list[Sentence]:
        """Those to make tickets of; all sentences where none is worded as a requirement."""
        found = [sentence for sentence in self.sentences if sentence.number in self.required]
        return found or self.sentences

    @property
    def expected(self) -> int:
        """About how many tickets it gives."""
        return self.count or needed(self.requirements, most=self.most)

    def only(self, numbers: set[int], *, count: int | None, most: int) -> "Batch":
        """The part of it that has some of its sentences."""
        parts = tuple(
            (section, kept)
            for section, sentences in self.parts
            if (kept := tuple(one for one in sentences if one.number in numbers))
        )
        return replace(self, parts=parts, count=count, most=most, whole=False)


def divided(batch: Batch, fits: Callable[[Batch], bool]) -> list[Batch] | None:
    """Batches that fit, in the spec's order; None where even the smallest does not."""
    if fits(batch):
        return [batch]
    halves = halved(batch)
    if not halves:
        tries = (replace(batch, shown=shown, every=every) for shown, every in _CONDENSED)
        fitting = next((one for one in tries if fits(one)), None)
        return [fitting] if fitting else None
    found: list[Batch] = []
    for half in halves:
        parts = divided(half, fits)
        if parts is None:
            return None
        found += parts
    return found


def halved(batch: Batch) -> list[Batch]:
    """The batch as two of half the size; empty when it has one ticket only, or one to be counted.

    Several tickets about one sentence are asked for in two batches about that.
    """
    alone = len(batch.sentences) == 1
    if batch.most == 1 or batch.count == 1 or (alone and batch.count is None):
        return []
    stretches = (batch.parts, batch.parts) if alone else _cut(batch)
    first, second = (replace(batch, parts=parts, whole=False) for parts in stretches)
    share = len(first.requirements) / (len(first.requirements) + len(second.requirements))
    if batch.count is None:
        most = _portion(batch.most, share)
        return [replace(first, most=most), replace(second, most=batch.most - most)]
    count = _portion(batch.count, share)
    rest = batch.count - count
    return [replace(first, count=count, most=count), replace(second, count=rest, most=rest)]


def _portion(number: int, share: float) -> int:
    return min(max(round(number * share), 1), number - 1)


def _cut(batch: Batch) -> tuple[Parts, Parts]:
    """Two stretches, cut between sections where one ends near the middle, else within one."""
    flat = _flat(batch)
    seen = [*accumulate((len(sentence.text) for _, sentence in flat), initial=0)]
    half = seen[-1] / 2
    tolerated = half / 2

    def distance(place: int) -> float:
        within = flat[place][0] is flat[place - 1][0]
        return abs(seen[place] - half) + (tolerated if within else 0)

    best = min(range(1, len(flat)), key=distance, default=1)
    return _grouped(flat[:best]), _grouped(flat[best:])


def _flat(batch: Batch) -> list[tuple[Section, Sentence]]:
    return [(section, sentence) for section, sentences in batch.parts for sentence in sentences]


def _grouped(flat: list[tuple[Section, Sentence]]) -> Parts:
    groups: dict[Section, list[Sentence]] = {}
    for section, sentence in flat:
        groups.setdefault(section, []).append(sentence)
    return tuple((section, tuple(sentences)) for section, sentences in groups.items())


def _shown(batch: Batch) -> Parts:
    """What the model sees of a batch, without sections of which it sees nothing."""
    if batch.every == 1:
        return tuple(part for part in batch.parts if part[1])
    return _grouped(_flat(batch)[:: batch.every])


def numbered(batch: Batch) -> str:
    """The batch's text with its sentences numbered; nothing in it can end its fence."""
    lines: list[str] = []
    for section, sentences in _shown(batch):
        if section.heading:
            lines += ["", " > ".join([*section.path, section.heading])]
        for sentence in sentences:
            text = shorten(sentence.text, batch.shown) if batch.shown else sentence.text
            lines.append(f"[{sentence.number}] {text}")
    return fenced("\n".join(lines).strip())
