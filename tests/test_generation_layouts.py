"""Answers of models that no schema binds: the tickets are found, and what they refer to."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.generation import replying, ticket
from tests.ollama_peer import OllamaPeer

Json = dict[str, Any]

SPEC = """# Rooms
Employees can search rooms by date and size.
A booking must be at most four hours long.
The system sends a confirmation by email.
Managers can export all bookings as CSV.
"""
TITLES = [
    "Search rooms by date",
    "Limit a booking to four hours",
    "Send a confirmation by email",
    "Export all bookings as CSV",
]
EPICS = [
    {"title": title, "description": f"{title} and nothing else.", "outcome": f"{title} is live."}
    for title in ("Booking of rooms", "Reports for managers")
]


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def four(**fields: Any) -> list[Json]:
    return [ticket(title, sources=[at], **fields) for at, title in enumerate(TITLES, 1)]


def found(peer: OllamaPeer, answer: Any, **options: Any) -> list[Json]:
    """The tickets of one answer, which is enough."""
    result = replying(peer, answer, SPEC, **options)
    assert len(peer.chats()) == 1
    return list(result["tickets"])


def titles(tickets: list[Json]) -> list[str]:
    return [one["title"] for one in tickets if one["ticket_type"] != "epic"]


@pytest.mark.parametrize(
    "answer",
    [
        {"tickets": four()},
        {"response": {"data": {"tickets": four()}}},
        {"issues": four(), "questions": []},
        {"tickets": {f"T{at}": one for at, one in enumerate(four())}},
        {"tickets": TITLES},
        {"tickets": [], "user_stories": four()},
        four(),
    ],
    ids=["as asked", "wrapped", "named", "keyed", "titles", "named beside none", "alone"],
)
def test_tickets_are_found(peer: OllamaPeer, answer: Any) -> None:
    tickets = found(peer, answer, ticket_count=4, include_epics=False)
    assert titles(tickets) == TITLES
    assert all(one["acceptance_criteria"] for one in tickets)


@pytest.mark.parametrize("name", ["tickets", "stories"])
@pytest.mark.parametrize("alone", [False, True])
def test_tickets_below_their_epics_are_theirs(peer: OllamaPeer, name: str, alone: bool) -> None:
    below = [{**EPICS[0], name: four()[:3]}, {**EPICS[1], name: four()[3:]}]
    tickets = found(peer, below if alone else {"epics": below}, ticket_count=6)
    ids = {one["title"]: one["external_id"] for one in tickets if one["ticket_type"] == "epic"}
    assert set(ids) == {epic["title"] for epic in EPICS}
    parents = [one["parent_external_id"] for one in tickets if one["ticket_type"] != "epic"]
    assert parents == [ids["Booking of rooms"]] * 3 + [ids["Reports for managers"]]


def test_lists_below_tickets_are_no_tickets(peer: OllamaPeer) -> None:
    steps = four(tasks=["Write it", "Test it"])
    assert titles(found(peer, steps, ticket_count=4, include_epics=False)) == TITLES


@pytest.mark.parametrize("numbered", [{"id": 0}, {}], ids=["ids", "places"])
@pytest.mark.parametrize("spelled", [int, str])
def test_epics_and_tickets_are_numbered_apart(
    peer: OllamaPeer, numbered: Json, spelled: type
) -> None:
    """`1` among what comes first is the first ticket, and as an epic it is the first epic."""
    tickets, epics = four(), [dict(epic) for epic in EPICS]
    for entries in (tickets, epics):
        for number, entry in enumerate(entries, 1):
            entry.update({name: spelled(number) for name in numbered})
    for number, one in enumerate(tickets, 1):
        one.update(epic=spelled(1 + number // 4), after=[spelled(number - 1)])
    made = found(peer, {"epics": epics, "tickets": tickets}, ticket_count=6)
    assert [one["parent_external_id"] for one in made[2:]] == ["SPEC-1"] * 3 + ["SPEC-2"]
    assert [one["dependencies"] for one in made[2:]] == [[], ["SPEC-3"], ["SPEC-4"], ["SPEC-5"]]


@pytest.mark.parametrize(
    ("criteria", "told"),
    [
        ("- Rooms are listed.\n- None\n  is full.", ["Rooms are listed.", "None is full."]),
        ("1. Rooms are listed.\n2) None is full.", ["Rooms are listed.", "None is full."]),
        ("Given a date\nThen rooms are listed", ["Given a date Then rooms are listed"]),
        ([{"given": "a date", "when": "I search", "then": "rooms are listed"}],
         ["Given a date, when I search, then rooms are listed"]),
        ([{"id": "AC-1", "text": "Rooms are listed."}], ["Rooms are listed."]),
    ],
    ids=["dashes", "numbers", "lines", "parts", "text"],
)  # fmt: skip
def test_criteria_are_read(peer: OllamaPeer, criteria: Any, told: list[str]) -> None:
    first, *others = four()
    answer = {"tickets": [{**first, "criteria": criteria}, *others]}
    tickets = found(peer, answer, ticket_count=4, include_epics=False)
    assert tickets[0]["acceptance_criteria"] == told


@pytest.mark.parametrize(
    "sources", ["1, 2", ["[1]", "[2]"], ["sentence 1", "sentence 2"], [1.0, 2]]
)
def test_sources_are_read(peer: OllamaPeer, sources: Any) -> None:
    tickets = [{**one, "sources": sources} for one in four()[:1]] + four()[2:]
    first = found(peer, {"tickets": tickets}, ticket_count=3, include_epics=False)[0]
    spans = first["metadata"]["source_spans"]
    cited = " ".join(SPEC[span["start"] : span["end"]] for span in spans)
    assert "search rooms" in cited
    assert "four hours" in cited


@pytest.mark.parametrize(
    ("said", "kind"),
    [("User Story", "story"), ("Feature", "story"), ("Defect", "bug"), ("Research", "spike")],
)
def test_types_by_other_names(peer: OllamaPeer, said: str, kind: str) -> None:
    tickets = found(peer, {"tickets": four(type=said)}, ticket_count=4, include_epics=False)
    assert {one["ticket_type"] for one in tickets} == {kind}


@pytest.mark.parametrize(
    "title", ["**1. Search rooms**", "1. **Search rooms**", "**Task 1:** Search rooms"]
)
def test_a_number_in_a_title_is_no_part_of_it(peer: OllamaPeer, title: str) -> None:
    first, *others = four()
    answer = {"tickets": [{**first, "title": title}, *others]}
    made = found(peer, answer, ticket_count=4, include_epics=False)
    assert made[0]["title"] == "Search rooms"


@pytest.mark.parametrize(
    ("whole", "slip"),
    [('"tickets"', '// all of "them", 4\n"tickets"'), ('"after": []', '"after": None // none')],
)
def test_slips_in_json_are_passed_over(peer: OllamaPeer, whole: str, slip: str) -> None:
    first, *others = four()
    told = {**first, "criteria": ["None of http://rooms // is True."]}
    answer = json.dumps({"tickets": [told, *others]}, indent=1).replace(whole, slip)
    tickets = found(peer, answer, ticket_count=4, include_epics=False)
    assert tickets[0]["acceptance_criteria"][0] == "None of http://rooms // is True."
