"""What each sentence of a spec is to the tickets: a requirement, or what stands around it."""

from dataclasses import dataclass
from enum import StrEnum

from worker.generation import signals
from worker.generation.blocks import Form
from worker.generation.signals import Topic
from worker.generation.spec import Section, Sentence, Spec
from worker.generation.text import shorten

_LONGEST_OPENING = 8
_LONGEST_SUMMARY = 600


class Role(StrEnum):
    """What a sentence is to the tickets."""

    REQUIREMENT = "requirement"
    CONTEXT = "context"
    GOAL = "goal"
    OUTSIDE = "outside"
    RISK = "risk"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence with its section and its role."""

    sentence: Sentence
    section: Section
    role: Role

    @property
    def text(self) -> str:
        return self.sentence.text


def sort(spec: Spec) -> list[Unit]:
    """All sentences with their roles; at least one is a requirement."""
    opening = _opening(spec)
    units = [
        Unit(sentence, section, _role(sentence, section, opens=section is opening))
        for section in spec.sections
        for sentence in section.sentences
    ]
    units = _with_silent_sections(units, opening)
    for role in (Role.GOAL, Role.CONTEXT, Role.QUESTION, Role.RISK, Role.OUTSIDE):
        if any(unit.role is Role.REQUIREMENT for unit in units):
            break
        units = promoted(units, role)
    return units


def _opening(spec: Spec) -> Section | None:
    """The few words before the first chapter, when there are chapters."""
    first = next(section for section in spec.sections if section.sentences)
    several = any(section.sentences for section in spec.sections if section is not first)
    return first if several and len(first.sentences) <= _LONGEST_OPENING else None


_ROLES = {
    Topic.GOALS: Role.GOAL,
    Topic.RISKS: Role.RISK,
    Topic.QUESTIONS: Role.QUESTION,
    Topic.OUTSIDE: Role.OUTSIDE,
}


def _role(sentence: Sentence, section: Section, *, opens: bool) -> Role:
    topic = signals.topic(section.heading, section.path)
    prose = sentence.form is Form.PROSE
    if topic in _ROLES:
        return _ROLES[topic]
    if signals.is_question(sentence.text):
        return Role.QUESTION
    if prose and signals.is_risk(sentence.text):
        return Role.RISK
    background = topic is Topic.BACKGROUND or (opens and prose)
    told = background and not signals.is_wish(sentence.text)
    today = prose and signals.is_about_today(sentence.text)
    introduces = sentence.text.endswith(":")
    return Role.CONTEXT if told or today or introduces else Role.REQUIREMENT


def _with_silent_sections(units: list[Unit], opening: Section | None) -> list[Unit]:
    """A section about the work itself has requirements, however they are worded."""
    speaking = {unit.section for unit in units if unit.role is Role.REQUIREMENT}
    return [
        as_requirement(unit)
        if unit.role is Role.CONTEXT
        and unit.section not in speaking
        and unit.section.heading
        and unit.section is not opening
        and signals.topic(unit.section.heading, unit.section.path) is Topic.WORK
        else unit
        for unit in units
    ]


def opening(units: list[Unit]) -> str:
    """The spec's own first words about the whole; may be empty."""
    told = (Role.CONTEXT, Role.REQUIREMENT, Role.GOAL)
    first = [unit.text for unit in units if unit.role in told and unit.text[-1] != ":"]
    return shorten(" ".join(first[:3]), _LONGEST_SUMMARY)


def promoted(units: list[Unit], role: Role) -> list[Unit]:
    """The units, with those of a role made requirements."""
    return [as_requirement(unit) if unit.role is role else unit for unit in units]


def as_requirement(unit: Unit) -> Unit:
    """The same sentence as a requirement."""
    return Unit(unit.sentence, unit.section, Role.REQUIREMENT)
