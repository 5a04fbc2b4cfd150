"""A model's parsed answer as drafts: our compact form, or something like a whole result.

Lenient about names and types, and never about references: what cannot be
resolved is left out. Whatever is taken is text without marks or a number,
nothing else.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re
from typing import Any

from worker.generation.draft import Drafts, QuestionDraft, RiskDraft, TicketDraft
from worker.generation.layout import TITLE, Json, as_list, first, gathered, mapping, objects
from worker.generation.markup import paragraphs, unmarked
from worker.generation.spec import Sentence
from worker.generation.text import capitalised, folded, shorten

# "Ticket 3: …", "[ROOM-12] …", "User story - …", and a title in quotation marks.
_HANDLE = re.compile(
    r"(?:\[[A-Z][A-Z0-9]{0,9}-\d{1,6}\]:?|[A-Z][A-Z0-9]{0,9}-\d{1,6}:|"
    r"(?:user story|ticket|story|task|epic|bug|spike|feature|issue)(?: ?#?\d{1,4})?(?::| [-–—]))\s+"
    r"(?=\S)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"([\"'“‘«])([^\"“”‘’«»]+)[\"'”’»]")
# What is written between labels that are told in one text.
_LABELS = re.compile(r"[,;|\n]+")
# A number that is written as a text: "3", "[3]".
_NUMBER = re.compile(r"\[?(\d{1,6})\]?")
_DIGITS = re.compile(r"\d{1,6}")
# Where the next item begins in a list that is written as a text.
_ITEM = re.compile(r"\n(?=\s*(?:[-*+•]|\d{1,2}[.)])\s)")
_LONGEST_REFERENCE = 200
# No spec has a sentence of a higher number, and no ticket more points.
_MOST = 1_000_000
# What is longer has run on.
_LONGEST_TEXT = 8_000
# What a model has to say beyond its tickets; the spec's own risks and questions are not counted.
_RISKS = 20
_QUESTIONS = 50

# What models and people call the same thing.
_KIND = ("type", "ticket_type", "issue_type", "kind")
_DESCRIPTION = ("description", "body", "details")
_CRITERIA = ("criteria", "acceptance_criteria", "acceptanceCriteria", "acceptance", "outcome")
_AFTER = ("after", "dependencies", "depends_on", "dependsOn", "blocked_by")
_PARENT = ("epic", "parent_external_id", "parent", "parent_id", "epic_id")
_OWN_ID = ("external_id", "id", "key", "ticket_id")
_KINDS = {
    "user story": "story",
    "feature": "story",
    "defect": "bug",
    "fault": "bug",
    "research": "spike",
}
_CRITERION = ("text", "criterion", "description", "title")
_POINTS = ("points", "story_points", "storyPoints", "estimate")
_RISK_TEXT = ("text", "description", "risk", "title")
_QUESTION_TEXT = ("text", "question", "description", "title")
_RELATED = ("tickets", "related_ticket_ids", "related_tickets")


class NoTicketsError(ValueError):
    """The answer is JSON, and holds no tickets."""


def read(answer: Any, sentences: list[Sentence]) -> Drafts:
    """The drafts in an answer; `sentences` are those that it could cite.

    Raises:
        NoTicketsError: There are none.
    """
    whole = gathered(answer)
    epics = _epics(whole)
    tickets = whole["tickets"]
    if not tickets:
        raise NoTicketsError('the answer has no "tickets"')
    places = _Places(epics, tickets)
    cited = {sentence.number: sentence for sentence in sentences}
    return Drafts(
        summary=_summary(whole),
        tickets=[_ticket(entry, places, cited) for entry in [*epics, *tickets]],
        risks=[
            RiskDraft(_line(first(entry, _RISK_TEXT)), _word(entry.get("severity")), related)
            for entry, related in places.related(whole.get("risks"))[:_RISKS]
        ],
        questions=[
            QuestionDraft(_line(first(entry, _QUESTION_TEXT)), related)
            for entry, related in places.related(
                whole.get("questions", whole.get("open_questions"))
            )[:_QUESTIONS]
        ],
    )


def read_outline(answer: Any) -> tuple[str, list[TicketDraft]]:
    """The summary and the epics in an answer; either may be empty."""
    whole = mapping(answer)
    epics = _epics(whole)
    places = _Places(epics, [])
    return _summary(whole), [_ticket(epic, places, {}) for epic in epics]


def _epics(whole: Json) -> list[Json]:
    return [{**epic, "type": "epic"} for epic in objects(whole.get("epics"))]


def _summary(whole: Json) -> str:
    told = first(whole, ("summary",)) or first(mapping(whole.get("source")), ("summary",))
    return paragraphs(_text(told))


class _Places:
    """Finds the tickets that an answer refers to, by number or by id."""

    def __init__(self, epics: list[Json], tickets: list[Json]) -> None:
        self._epics = _named(epics, 0)
        self._tickets = _named(tickets, len(epics))
        self._places = range(len(epics)), range(len(epics), len(epics) + len(tickets))

    def tickets(self, references: Any) -> list[int]:
        found = [self._place(entry, tickets=True) for entry in as_list(references)]
        return [place for place in found if place is not None]

    def epic(self, reference: Any) -> int | None:
        return self._place(reference, tickets=False)

    def related(self, notes: Any) -> list[tuple[Json, list[int]]]:
        """Risks or questions with the tickets that they are about; bare texts count too."""
        entries = [{"text": note} if isinstance(note, str) else note for note in as_list(notes)]
        return [(entry, self.tickets(first(entry, _RELATED))) for entry in objects(entries)]

    def _place(self, reference: Any, *, tickets: bool) -> int | None:
        """The place by id or title, else by number; epics and tickets may have the same ids."""
        if not isinstance(reference, (str, int)) or isinstance(reference, bool):
            return None
        own, others = (self._tickets, self._epics) if tickets else (self._epics, self._tickets)
        name, number = _name(reference), next(iter(_numbers(reference)), 0)
        places = self._places[tickets]
        if name not in own and 1 <= number <= len(places):
            return places[number - 1]
        return own.get(name, others.get(name))


def _named(entries: list[Json], start: int) -> dict[str, int]:
    """The places of entries by their ids and titles."""
    found: dict[str, int] = {}
    for place, entry in enumerate(entries, start):
        for name in (first(entry, _OWN_ID), first(entry, TITLE)):
            if isinstance(name, (str, int)) and not isinstance(name, bool):
                found.setdefault(_name(name), place)
    return found


def _name(reference: str | int) -> str:
    return folded(str(reference)[:_LONGEST_REFERENCE])


def _ticket(entry: Json, places: _Places, cited: dict[int, Sentence]) -> TicketDraft:
    sources = [cited[number] for number in _sources(entry.get("sources")) if number in cited]
    criteria = map(_criterion, _items(first(entry, _CRITERIA)))
    kind = _word(first(entry, _KIND))
    kind = _KINDS.get(kind, kind)
    metadata = mapping(entry.get("metadata"))
    return TicketDraft(
        kind=kind,
        title=_title(first(entry, TITLE)),
        description=paragraphs(_text(first(entry, _DESCRIPTION))),
        criteria=[criterion for criterion in criteria if criterion],
        labels=[label for told in as_list(entry.get("labels")) for label in _labels(told)],
        after=places.tickets(first(entry, _AFTER)),
        points=next(iter(_numbers(first(entry, _POINTS))), None),
        priority=_word(entry.get("priority")) or None,
        parent=None if kind == "epic" else places.epic(first(entry, _PARENT)),
        component=_line(entry.get("component") or metadata.get("component")),
        spans=[source.span for source in sources],
    )


def _text(value: Any) -> str:
    return shorten(value, _LONGEST_TEXT) if isinstance(value, str) else ""


def _line(value: Any) -> str:
    return unmarked(_text(value))


def _items(value: Any) -> list[Any]:
    """A list, also one that is written as a text with a mark before each item."""
    return _ITEM.split(_text(value)) if isinstance(value, str) else as_list(value)


def _criterion(value: Any) -> str:
    """A criterion in one line, also where its parts, such as given, when and then, have names."""
    entry = mapping(value)
    text = first(entry, _CRITERION)
    parts = [f"{name} {part}" for name, part in entry.items() if isinstance(part, str)]
    return _line(value) or _line(text) or capitalised(_line(", ".join(parts)))


def _title(value: Any) -> str:
    """A title without its number, type, quotation marks and full stop."""
    line = unmarked(_line(value))  # the number may stand within its emphasis
    line = _HANDLE.sub("", line, count=1) if _HANDLE.match(line) else line
    quoted = _QUOTED.fullmatch(line)
    line = quoted.group(2) if quoted else line
    return line.removesuffix(".") if line.count(".") == 1 else line


def _labels(value: Any) -> list[str]:
    told = (unmarked(label).lstrip("#").strip() for label in _LABELS.split(_text(value)))
    return [label for label in told if label]


def _word(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _sources(value: Any) -> list[int]:
    """The numbers of sentences, also out of texts such as "1, 2" or "sentence 3"."""
    texts = [told for told in as_list(value) if isinstance(told, str)]
    told = [int(digits) for text in texts for digits in _DIGITS.findall(text[:_LONGEST_REFERENCE])]
    return [*_numbers([one for one in as_list(value) if not isinstance(one, str)]), *told]


def _numbers(value: Any) -> list[int]:
    """The numbers in a list, also where they are written as texts such as "3" or "[3]"."""
    found: list[int] = []
    for entry in as_list(value):
        if isinstance(entry, str) and (digits := _NUMBER.fullmatch(entry.strip())):
            found.append(int(digits.group(1)))
        elif isinstance(entry, (int, float)) and not isinstance(entry, bool) and abs(entry) < _MOST:
            found.append(int(entry))
    return found
