"""A model's parsed answer as drafts: our compact form, or something like a whole result.

Lenient about names and types, and never about references: what cannot be
resolved is left out. Whatever is taken is text without marks or a number,
nothing else.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re
from collections.abc import Iterable
from typing import Any

from worker.generation.draft import Drafts, QuestionDraft, RiskDraft, TicketDraft
from worker.generation.markup import paragraphs, unmarked
from worker.generation.spec import Sentence
from worker.generation.text import folded, shorten

Json = dict[str, Any]

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
_NUMBER = re.compile(r"\[?(\d{1,6})\]?")
# No spec has a sentence of a higher number, and no ticket more points.
_MOST = 1_000_000
# What is longer has run on; nobody reads it, and comparing it takes long.
_LONGEST_TEXT = 8_000
_LONGEST_LIST = 200
# What a model has to say beyond its tickets; the spec's own risks and questions are not counted.
_RISKS = 20
_QUESTIONS = 50

# What models and people call the same thing.
_TITLE = ("title", "name", "summary")
_KIND = ("type", "ticket_type", "issue_type", "kind")
_DESCRIPTION = ("description", "body", "details")
_CRITERIA = ("criteria", "acceptance_criteria", "acceptanceCriteria", "acceptance", "outcome")
_AFTER = ("after", "dependencies", "depends_on", "dependsOn", "blocked_by")
_PARENT = ("epic", "parent_external_id", "parent", "parent_id", "epic_id")
_OWN_ID = ("external_id", "id", "key", "ticket_id")
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
    whole = _whole(answer)
    epics = _epics(whole)
    tickets = _objects(whole.get("tickets"))
    if not tickets:
        raise NoTicketsError('the answer has no "tickets"')
    places = _Places(epics, tickets)
    cited = {sentence.number: sentence for sentence in sentences}
    return Drafts(
        summary=_summary(whole),
        tickets=[_ticket(entry, places, cited) for entry in [*epics, *tickets]],
        risks=[
            RiskDraft(_line(_first(entry, _RISK_TEXT)), _word(entry.get("severity")), related)
            for entry, related in places.related(whole.get("risks"))[:_RISKS]
        ],
        questions=[
            QuestionDraft(_line(_first(entry, _QUESTION_TEXT)), related)
            for entry, related in places.related(
                whole.get("questions", whole.get("open_questions"))
            )[:_QUESTIONS]
        ],
    )


def read_outline(answer: Any) -> tuple[str, list[TicketDraft]]:
    """The summary and the epics in an answer; either may be empty."""
    whole = _mapping(answer)
    epics = _epics(whole)
    places = _Places(epics, [])
    return _summary(whole), [_ticket(epic, places, {}) for epic in epics]


def _epics(whole: Json) -> list[Json]:
    return [{**epic, "type": "epic"} for epic in _objects(whole.get("epics"))]


def _summary(whole: Json) -> str:
    told = _first(whole, ("summary",)) or _first(_mapping(whole.get("source")), ("summary",))
    return paragraphs(_text(told))


class _Places:
    """Finds the tickets that an answer refers to, by number or by id."""

    def __init__(self, epics: list[Json], tickets: list[Json]) -> None:
        self._epics = len(epics)
        self._tickets = len(tickets)
        self._by_name: dict[str, int] = {}
        for place, entry in enumerate([*epics, *tickets]):
            for name in (_first(entry, _OWN_ID), _first(entry, _TITLE)):
                if isinstance(name, (str, int)) and not isinstance(name, bool):
                    self._by_name.setdefault(_name(name), place)

    def tickets(self, references: Any) -> list[int]:
        found = (self._place(entry, self._epics, self._tickets) for entry in _list(references))
        return [place for place in found if place is not None]

    def epic(self, reference: Any) -> int | None:
        return self._place(reference, 0, self._epics)

    def related(self, notes: Any) -> list[tuple[Json, list[int]]]:
        """Risks or questions with the tickets that they are about; bare texts count too."""
        entries = [{"text": note} if isinstance(note, str) else note for note in _list(notes)]
        return [(entry, self.tickets(_first(entry, _RELATED))) for entry in _objects(entries)]

    def _place(self, reference: Any, base: int, size: int) -> int | None:
        if isinstance(reference, (str, int)) and not isinstance(reference, bool):
            if _name(reference) in self._by_name:
                return self._by_name[_name(reference)]
            if isinstance(reference, int) and 1 <= reference <= size:
                return base + reference - 1
        return None


def _name(reference: str | int) -> str:
    return folded(str(reference)[:200])


def _ticket(entry: Json, places: _Places, cited: dict[int, Sentence]) -> TicketDraft:
    sources = [cited[number] for number in _numbers(entry.get("sources")) if number in cited]
    criteria = [_line(criterion) for criterion in _list(_first(entry, _CRITERIA))]
    kind = _word(_first(entry, _KIND))
    metadata = _mapping(entry.get("metadata"))
    return TicketDraft(
        kind=kind,
        title=_title(_first(entry, _TITLE)),
        description=paragraphs(_text(_first(entry, _DESCRIPTION))),
        criteria=[criterion for criterion in criteria if criterion],
        labels=[label for told in _list(entry.get("labels")) for label in _labels(told)],
        after=places.tickets(_first(entry, _AFTER)),
        points=next(iter(_numbers(_first(entry, _POINTS))), None),
        priority=_word(entry.get("priority")) or None,
        parent=None if kind == "epic" else places.epic(_first(entry, _PARENT)),
        component=_line(entry.get("component") or metadata.get("component")),
        spans=[source.span for source in sources],
    )


def _whole(answer: Any) -> Json:
    """The object that holds the tickets, out of a wrapper if it has one."""
    if isinstance(answer, list):  # not one of risks or questions
        return {"tickets": [entry for entry in _objects(answer) if _first(entry, _TITLE)]}
    if not isinstance(answer, dict):
        return {}
    if "tickets" not in answer:
        inner = [value for value in answer.values() if isinstance(value, dict)]
        return next((value for value in inner if "tickets" in value), answer)
    return answer


def _first(entry: Json, names: Iterable[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) not in (None, "")), None)


def _objects(value: Any) -> list[Json]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value[:_LONGEST_LIST] if isinstance(value, list) else [value]


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return shorten(value, _LONGEST_TEXT) if isinstance(value, str) else ""


def _line(value: Any) -> str:
    return unmarked(_text(value))


def _title(value: Any) -> str:
    """A title without its number, type, quotation marks and full stop."""
    line = _line(value)
    line = _HANDLE.sub("", line, count=1) if _HANDLE.match(line) else line
    quoted = _QUOTED.fullmatch(line)
    line = quoted.group(2) if quoted else line
    return line.removesuffix(".") if line.count(".") == 1 else line


def _labels(value: Any) -> list[str]:
    told = (unmarked(label).lstrip("#").strip() for label in _LABELS.split(_text(value)))
    return [label for label in told if label]


def _word(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _numbers(value: Any) -> list[int]:
    """The numbers in a list, also where they are written as texts such as "3" or "[3]"."""
    found: list[int] = []
    for entry in _list(value):
        if isinstance(entry, str) and (digits := _NUMBER.fullmatch(entry.strip())):
            found.append(int(digits.group(1)))
        elif isinstance(entry, (int, float)) and not isinstance(entry, bool) and abs(entry) < _MOST:
            found.append(int(entry))
    return found
