"""What each sentence of a spec is to the tickets: a requirement, or what stands around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile

from worker.generation import language, nouns, signals, stated, tables, topics
from worker.generation.imprint import is_imprint
from worker.generation.lines import Form
from worker.generation.nouns import begins_with_verb
from worker.generation.spec import Section, Sentence, Spec
from worker.generation.tables import CELL_END
from worker.generation.text import ended, shorten
from worker.generation.topics import ACCEPTANCE, Topic

LISTED = frozenset({Form.ITEM, Form.STEP})
_ANNOUNCING = 3
_LONGEST_OPENING = 8
_LONGEST_LEAD = 4
_FEWEST_LISTED = 3
_COLONS = (":", "\N{FULLWIDTH COLON}")
_LONGEST_SUMMARY = 600
_LONGEST_NAME = 3
# What a list tells of a document, such as "Owner: Platform team".
_LONGEST_ENTRY = 2
_LONGEST_FIELD = 5
# What may be done to the whole of what is asked for.
_MAKING = frozenset({"build", "create", "design", "develop", "implement", "make", "write"})


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

    @property
    def told(self) -> str:
        """Its text as a ticket tells it: of a row without what has a field of its own there."""
        return tables.told(self.text) if self.sentence.form is Form.ROW else self.text

    @property
    def is_fault(self) -> bool:
        """It tells of something that is broken today."""
        if signals.speaks_of_fault(self.text):
            return True
        heading = self.section.heading
        headed = topics.lists_faults(heading) or topics.is_finding(heading, self.section.path)
        if self.sentence.form in LISTED:
            return headed or bool(_announcing(self.section))
        return headed and not _has_list(self.section)


def sort(spec: Spec) -> list[Unit]:
    """All sentences with their roles; at least one is a requirement."""
    opening = _opening(spec)
    first = next(section for section in spec.sections if section.sentences)
    lead = _lead(spec) or int(_names_all(spec))
    units = [
        Unit(
            sentence,
            section,
            Role.OUTSIDE
            if _is_excluded(sentence, section)
            else _role(
                sentence,
                topic or headed,
                opens=(opens or sentence.number <= lead) and topic is None,
                heads=section is first,
            ),
        )
        for section in spec.sections
        for headed, opens in [(topics.topic(section.heading, section.path), section is opening)]
        for sentence, topic in _labels(section)
    ]
    units = _with_silent_sections(_without_introductions(units), opening)
    for role in (Role.GOAL, Role.CONTEXT, Role.QUESTION, Role.RISK, Role.OUTSIDE):
        if any(unit.role is Role.REQUIREMENT for unit in units):
            break
        units = promoted(units, role)
    return units


def _is_excluded(sentence: Sentence, section: Section) -> bool:
    """Whether a line is marked as done, or as not to be done; a test that is passed is kept."""
    done = sentence.form is Form.DONE and not ACCEPTANCE.fullmatch(section.heading)
    crossed = done or signals.is_crossed_out(sentence.text)
    return crossed or stated.is_excluded(sentence.text) or _is_ruled_out(section)


@lru_cache(maxsize=64)
def _is_ruled_out(section: Section) -> bool:
    """Whether the one priority that is stated of a section as a whole says not to do it."""
    stating = [one.text for one in section.sentences if stated.is_priority(one.text)]
    ruled_out = len(stating) == 1 and stated.is_excluded(stating[0])
    return ruled_out or stated.is_excluded(section.weight)


def _opening(spec: Spec) -> Section | None:
    """The few words before the first chapter, when there are chapters.

    Not words that demand, nor those of a language in which nobody here could tell.
    """
    first = spec.sections[0]
    others = [section for section in spec.sections[1:] if section.sentences]
    heads = not first.heading or any(first.heading in section.path for section in others)
    short = 0 < len(first.sentences) <= _LONGEST_OPENING
    prose = [one.text for one in first.sentences if one.form is Form.PROSE]
    demands = any(map(_demands, prose))
    known = not prose or language.is_known(" ".join(prose))
    return first if others and heads and short and known and not demands else None


def _demands(text: str) -> bool:
    """Whether a sentence asks for something even ahead of all others; "Build a shop …" does not."""
    orders = begins_with_verb(text) and text.split(maxsplit=1)[0].lower() not in _MAKING
    return orders or signals.is_strong(text) or signals.is_story(text)


def _lead(spec: Spec) -> int:
    """The number of the last sentence that leads in to the list below the document's title."""
    first = next(section for section in spec.sections if section.sentences)
    told = list(takewhile(lambda one: one.form is Form.PROSE, first.sentences))
    listed = len(first.sentences) - len(told)
    titled = first is spec.sections[0] and first.heading
    if not titled or not told or len(told) > _LONGEST_LEAD or listed < _FEWEST_LISTED:
        return 0
    text = " ".join(one.text for one in told)
    demands = any(_demands(one.text) or _tells_use(one.text) for one in told)
    return told[-1].number if language.is_known(text) and not demands else 0


def _tells_use(text: str) -> bool:
    """Whether a sentence tells what people do, and not how they do it today."""
    return nouns.speaks_of_people(text) and not _is_aside(text)


def _is_aside(text: str) -> bool:
    """Whether a sentence tells how things are, or who asks."""
    return signals.is_about_today(text) or signals.is_about_us(text)


_ROLES = {
    Topic.GOALS: Role.GOAL,
    Topic.RISKS: Role.RISK,
    Topic.QUESTIONS: Role.QUESTION,
    Topic.OUTSIDE: Role.OUTSIDE,
}


def _labels(section: Section) -> Iterator[tuple[Sentence, Topic | None]]:
    """Each sentence with the kind of text that its paragraph is by its own label."""
    block = -1
    topic: Topic | None = None
    led: Topic | None = None
    mended = any(topics.is_remedy(sentence.text) for sentence in section.sentences)
    for sentence in section.sentences:
        if sentence.block != block:
            listed = sentence.form in LISTED
            announced = led if listed else None
            block, topic = (
                sentence.block,
                topics.labelled(sentence.text, listed=listed) or announced,
            )
            topic = Topic.ASIDE if mended and topics.tells_finding(sentence.text) else topic
            led = led if listed else _leading(sentence.text)
        yield sentence, topic


def _leading(text: str) -> Topic | None:
    """What a list is that stands below a line such as "Out of scope:"."""
    found = topics.topic(text.rstrip(": "), ()) if text.endswith(_COLONS) else Topic.WORK
    return None if found is Topic.WORK else found


@lru_cache(maxsize=64)
def _announcing(section: Section) -> frozenset[int]:
    """The paragraphs at the head of a section that say that faults are listed below them."""
    first = section.sentences[:_ANNOUNCING]
    said = [one for one in first if one.form is Form.PROSE and signals.announces_faults(one.text)]
    return frozenset(one.block for one in said) if _has_list(section) else frozenset()


@lru_cache(maxsize=1024)
def _has_list(section: Section) -> bool:
    return any(one.form in LISTED for one in section.sentences)


def _role(sentence: Sentence, topic: Topic, *, opens: bool, heads: bool) -> Role:
    prose = sentence.form is Form.PROSE
    if (
        _is_of_ticket(sentence.text)
        or _is_imprint(sentence, opens=opens, heads=heads)
        or (heads and _is_imprint_row(sentence))
    ):
        return Role.CONTEXT
    asks = signals.is_question(sentence.text)
    if prose and signals.is_risk(sentence.text) and not asks and topic is not Topic.OUTSIDE:
        return Role.RISK
    if topic in _ROLES and not (topic is Topic.RISKS and asks):
        return _ROLES[topic]
    if asks:
        return Role.QUESTION
    if said := _said_of_itself(sentence):
        return said
    background = topic is Topic.BACKGROUND or (opens and prose)
    text = sentence.text
    asked = signals.is_demand_in_background(text) or (opens and signals.tells_a_need(text))
    asked = asked and sentence.form is not Form.ROW  # "Priority: Must"
    told = topic is Topic.ASIDE or (background and not asked)
    aside = prose and _is_aside(text)
    shows = sentence.form is Form.CODE
    return Role.CONTEXT if told or aside or shows else Role.REQUIREMENT


def _is_of_ticket(text: str) -> bool:
    """Whether a line says what work waits for or how it weighs, and not what to do."""
    return signals.is_about_order(text) or stated.is_priority(text)


def _names_all(spec: Spec) -> bool:
    """Whether the first sentence only says what all the others make: "Build a shop.".

    Where others order a whole as well, it is one of several.
    """
    first, *others = spec.sentences
    told = first.form is Form.PROSE and signals.is_about_all(first.text)
    several = told and any(signals.is_about_all(other.text) for other in others)
    return told and not several and len(others) >= _FEWEST_LISTED


def _said_of_itself(sentence: Sentence) -> Role | None:
    """What a sentence is that says so: a goal, or something for later."""
    if sentence.form is Form.PROSE and signals.is_aim(sentence.text):
        return Role.GOAL
    if signals.is_key_result(sentence.text):
        return Role.GOAL
    told = sentence.form not in {Form.ROW, Form.CODE}
    return Role.OUTSIDE if told and signals.is_put_off(sentence.text) else None


def _is_imprint(sentence: Sentence, *, opens: bool, heads: bool) -> bool:
    """Whether it says who wrote the document and the like; further on "Team: lists all" is work."""
    listed = sentence.form in LISTED
    said = len(sentence.text.partition(":")[2].split())
    brief = said <= (_LONGEST_ENTRY if listed else _LONGEST_FIELD)
    return is_imprint(sentence.text) and (opens or brief or (heads and not listed))


def _is_imprint_row(sentence: Sentence) -> bool:
    """Whether it is a row of the table that some documents begin with."""
    named = sentence.text.replace(CELL_END, ": ", 1)
    return sentence.form is Form.ROW and is_imprint(named)


def _without_introductions(units: list[Unit]) -> list[Unit]:
    """A line that introduces a list is no requirement; one that introduces an example is."""
    sorted_: list[Unit] = []
    for place, unit in enumerate(units):
        following = units[place + 1] if place + 1 < len(units) else None
        before = sorted_[-1] if sorted_ else None
        if before and _names_code(before, unit):
            sorted_[-1] = Unit(before.sentence, before.section, Role.CONTEXT)
            sorted_.append(as_requirement(unit))
            continue
        lists = following is not None and following.sentence.form is not Form.CODE
        lists = lists or unit.is_fault
        leads = unit.text.endswith(_COLONS) or _leads(unit, following)
        announces = unit.sentence.block in _announcing(unit.section)
        leads = leads or (announces and not signals.is_demand(unit.text))
        introduces = unit.role is Role.REQUIREMENT and leads
        sorted_.append(
            Unit(unit.sentence, unit.section, Role.CONTEXT) if introduces and lists else unit
        )
    return sorted_


def _leads(unit: Unit, following: Unit | None) -> bool:
    """Whether a line stands ahead of a list and says nothing else, without a colon."""
    if following is None or following.section is not unit.section:
        return False
    leads = topics.leads(unit.text) and unit.sentence.form is Form.PROSE
    return leads and following.sentence.form in LISTED


def _names_code(unit: Unit, following: Unit) -> bool:
    """Whether a line only says what the code below it is, such as "API:"."""
    named = unit.text.endswith(_COLONS) and len(unit.text.split()) <= _LONGEST_NAME
    is_code = following.sentence.form is Form.CODE and following.section is unit.section
    return unit.role is Role.REQUIREMENT and named and is_code and not unit.is_fault


def _with_silent_sections(units: list[Unit], opening: Section | None) -> list[Unit]:
    """A section about the work itself has requirements, however they are worded."""
    required = [unit.section for unit in units if unit.role is Role.REQUIREMENT]
    speaking = {
        (*section.path, section.heading)[:depth]
        for section in required
        for depth in range(1, len(section.path) + 2)
    }
    return [
        as_requirement(unit)
        if unit.role is Role.CONTEXT
        and (*unit.section.path, unit.section.heading) not in speaking
        and unit.section.heading
        and unit.section is not opening
        and not is_imprint(unit.text)
        and not _is_imprint_row(unit.sentence)
        and not _is_of_ticket(unit.text)
        and not signals.is_about_today(unit.text)
        and topics.topic(unit.section.heading, unit.section.path) is Topic.WORK
        else unit
        for unit in units
    ]


def opening(units: list[Unit]) -> str:
    """The spec's own first words about the whole; may be empty."""
    told = (Role.CONTEXT, Role.REQUIREMENT, Role.GOAL)
    first = [
        unit
        for unit in units
        if unit.role in told
        and unit.sentence.form not in {Form.ROW, Form.CODE}
        and unit.text[-1] != ":"
        and unit.text != unit.section.heading
        and not is_imprint(unit.text)
    ]
    # An item of a list says little without the others.
    whole = [unit for unit in first if unit.sentence.form not in LISTED] or first
    return shorten(" ".join(ended(unit.text) for unit in whole[:3]), _LONGEST_SUMMARY)


def promoted(units: list[Unit], role: Role) -> list[Unit]:
    """The units, with those of a role made requirements."""
    return [as_requirement(unit) if unit.role is role else unit for unit in units]


def as_requirement(unit: Unit) -> Unit:
    """The same sentence as a requirement."""
    return Unit(unit.sentence, unit.section, Role.REQUIREMENT)
