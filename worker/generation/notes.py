"""Risks and open questions: those of the model that say something, and those of the spec.

They are looked at twice: in each answer for what says nothing beside its tickets, and at the end,
all together, for what only restates the spec.
"""

from collections.abc import Iterable, Sequence

from worker.generation import signals
from worker.generation.checks import is_blank
from worker.generation.draft import Drafts, QuestionDraft, RiskDraft
from worker.generation.journal import Journal
from worker.generation.roles import Role, Unit
from worker.generation.similarity import likeness, words
from worker.generation.text import folded

# What has so many words in common is one risk or question.
_SAME = 0.6


def drop_empty(found: Drafts, journal: Journal) -> None:
    """Leaves out a summary, risks and questions that say nothing, or what an answer says already.

    Args:
        found: What one answer holds, its tickets still as the model has called them.
        journal: Takes what was left out.
    """
    told = {folded(text) for one in found.tickets for text in (one.title, one.description)}

    def is_new(text: str) -> bool:
        said = folded(text)
        new = said not in told and not is_blank(text)
        told.add(said)
        return new

    before = len(found.notes)
    found.risks = [risk for risk in found.risks if is_new(risk.text)]
    found.questions = [question for question in found.questions if is_new(question.text)]
    if left := before - len(found.notes):
        journal.repair("note says nothing new", done=f"{left} left out")
    found.summary = "" if is_blank(found.summary) else found.summary


def drop_restated(drafts: Drafts, units: Iterable[Unit], journal: Journal) -> None:
    """Leaves out risks, and questions that do not ask, with no word that a requirement lacks.

    Args:
        drafts: All that the model has written, changed in place.
        units: All sentences of the spec.
        journal: Takes what was left out.
    """
    required = _Required(units)
    before = len(drafts.notes)
    drafts.risks = [risk for risk in drafts.risks if not required.holds(risk.text)]
    drafts.questions = [
        one
        for one in drafts.questions
        if signals.is_question(one.text) or not required.holds(one.text)
    ]
    if left := before - len(drafts.notes):
        journal.repair("note only restates a requirement", done=f"{left} left out")


class _Required:
    """The requirements by their words, so that a text is not held against each of them."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._holding: dict[str, set[int]] = {}
        for place, unit in enumerate(units):
            for word in words(unit.text) if unit.role is Role.REQUIREMENT else ():
                self._holding.setdefault(word, set()).add(place)

    def holds(self, text: str) -> bool:
        """Whether a requirement has all words of a text."""
        held = sorted((self._holding.get(word, set()) for word in words(text)), key=len)
        return bool(held) and bool(set.intersection(*held))


def add(drafts: Drafts, units: list[Unit]) -> None:
    """Adds the spec's own risks and open questions that the model has not named."""
    drafts.questions += [
        QuestionDraft(unit.text) for unit in _untold(units, Role.QUESTION, drafts.questions)
    ]
    drafts.risks += [
        RiskDraft(unit.text, signals.severity(unit.text))
        for unit in _untold(units, Role.RISK, drafts.risks)
    ]


def _untold(
    units: Iterable[Unit], role: Role, notes: Sequence[RiskDraft | QuestionDraft]
) -> list[Unit]:
    own = [unit for unit in units if unit.role is role]
    told = [words(note.text) for note in notes] if own else []
    return [unit for unit in own if not _told(unit, told)]


def _told(unit: Unit, texts: list[frozenset[str]]) -> bool:
    """Whether one of the texts tells it; that one is taken out, as it tells no other too."""
    own = words(unit.text)
    nearest = max(texts, key=lambda text: likeness(own, text), default=frozenset())
    if likeness(own, nearest) < _SAME:
        return False
    texts.remove(nearest)
    return True
