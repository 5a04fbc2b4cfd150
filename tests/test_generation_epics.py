"""Epics of a model that writes hold tickets and say something, and what is of no use goes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.generation import job, replying, rules, run, ticket
from tests.ollama_peer import SMALL, OllamaPeer
from worker.generation.journal import Journal

SPEC = """# Booking
Employees can search rooms by date and size.
A booking must be at most four hours long.

# Notices
The system sends a confirmation by email.
The system must send a reminder one day before.

# Background
Last year the paper calendar got lost twice.

# Out of scope
Booking of parking lots.
"""
SEARCH = ticket("Search rooms", sources=[1], criteria=["A search by date lists free rooms."])
LIMIT = ticket("Limit bookings", sources=[2], criteria=["Five hours are refused."])
CONFIRM = ticket("Confirm by email", sources=[3], criteria=["An email arrives after a booking."])
REMIND = ticket("Send reminders", sources=[4], criteria=["A reminder arrives a day before."])
TICKETS = [SEARCH, LIMIT, CONFIRM, REMIND]
BOOKING = {"title": "Booking rooms", "description": "All of it.", "outcome": "Rooms are booked."}
NOTICES = {"title": "Notices", "description": "What is sent.", "outcome": "Nobody forgets."}


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def answered(
    peer: OllamaPeer,
    epics: list[Any],
    tickets: list[Any],
    journal: Journal | None = None,
    **of: Any,
) -> list[dict[str, Any]]:
    answer = {"epics": epics, "tickets": tickets}
    found = replying(peer, answer, SPEC, journal=journal, **of)["tickets"]
    return list(found)


def split(tickets: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The epics, and the others."""
    epics = [ticket for ticket in tickets if ticket["ticket_type"] == "epic"]
    return epics, [ticket for ticket in tickets if ticket not in epics]


@pytest.mark.parametrize("count", [None, 6])
def test_tickets_without_an_epic_go_to_that_of_their_neighbours(
    peer: OllamaPeer, count: int | None
) -> None:
    told = [{**SEARCH, "epic": 1}, LIMIT, {**CONFIRM, "epic": 2}, REMIND]
    epics, leaves = split(answered(peer, [BOOKING, NOTICES], told, ticket_count=count))
    first, second = (epic["external_id"] for epic in epics)
    assert [leaf["parent_external_id"] for leaf in leaves] == [first, first, second, second]


def test_tickets_go_to_the_epic_that_speaks_of_them(peer: OllamaPeer) -> None:
    """The model has not said which belongs to which."""
    told = {"title": "Email and reminders", "description": "Confirm each.", "outcome": "All know."}
    search = {"title": "Search and limit", "description": "Rooms, bookings.", "outcome": "Found."}
    epics, leaves = split(answered(peer, [told, search], TICKETS, ticket_count=6))
    mails, rooms = (epic["external_id"] for epic in epics)
    assert [leaf["parent_external_id"] for leaf in leaves] == [rooms, rooms, mails, mails]


def test_a_single_epic_takes_all(peer: OllamaPeer) -> None:
    other = {"title": "Everything", "description": "The whole of it.", "outcome": "All is done."}
    (epic,), leaves = split(answered(peer, [other], TICKETS, ticket_count=5))
    assert {leaf["parent_external_id"] for leaf in leaves} == {epic["external_id"]}


def test_an_epic_that_nothing_is_under_gets_what_speaks_of_it(peer: OllamaPeer) -> None:
    told = [{**one, "epic": 1} for one in TICKETS]
    mails = {"title": "Email", "description": "What is sent.", "outcome": "Nobody forgets."}
    epics, leaves = split(answered(peer, [BOOKING, mails], told, ticket_count=6))
    owners = {leaf["title"]: leaf["parent_external_id"] for leaf in leaves}
    assert owners["Confirm by email"] == epics[1]["external_id"]
    assert owners["Search rooms"] == epics[0]["external_id"]


def test_an_epic_that_nothing_is_about_is_left_out(peer: OllamaPeer) -> None:
    journal = Journal()
    told = [{**one, "epic": 1} for one in TICKETS]
    other = {"title": "Billing", "description": "Money.", "outcome": "It is paid."}
    epics, leaves = split(answered(peer, [BOOKING, other], told, journal))
    assert [epic["title"] for epic in epics] == ["Booking rooms"]
    assert len(leaves) == 4
    assert rules(journal)["epic without tickets"] == "left out"


def test_an_exact_count_has_a_ticket_for_each_empty_epic(peer: OllamaPeer) -> None:
    """Made of the spec's sentences, so that none stands for nothing."""
    told = [{**one, "epic": 1} for one in TICKETS]
    other = {"title": "Billing", "description": "Money.", "outcome": "It is paid."}
    epics, leaves = split(answered(peer, [BOOKING, other], told, ticket_count=6))
    assert [epic["title"] for epic in epics] == ["Booking rooms"]
    assert len(leaves) == 5
    assert all(leaf["metadata"]["source_spans"] for leaf in leaves)
    assert "Billing" not in str(leaves)


def test_a_ticket_in_place_of_an_epic_leaves_to_others_what_they_tell(peer: OllamaPeer) -> None:
    whole = ticket("Search, limit, confirm and remind", sources=[1, 2, 3, 4])
    told = [{**one, "epic": 1} for one in (LIMIT, whole, CONFIRM)]
    other = {"title": "Billing", "description": "Money.", "outcome": "It is paid."}
    _, leaves = split(answered(peer, [BOOKING, other], told, ticket_count=5))
    spans = [span for leaf in leaves for span in leaf["metadata"]["source_spans"]]
    places = [place for span in spans for place in range(span["start"], span["end"])]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("nothing", ["", "TBD", "Epic 1", "[Insert title here]"])
def test_an_epic_that_says_nothing_is_made_of_what_it_holds(peer: OllamaPeer, nothing: str) -> None:
    journal = Journal()
    empty = {"title": nothing, "description": nothing, "outcome": nothing or "It works."}
    told = [
        {**SEARCH, "epic": 1},
        {**LIMIT, "epic": 1},
        {**CONFIRM, "epic": 2},
        {**REMIND, "epic": 2},
    ]
    epics, _ = split(answered(peer, [empty, NOTICES], told, journal, ticket_count=6))
    assert epics[0]["title"] == "Booking"
    assert epics[0]["description"] == "Booking: Search rooms; Limit bookings."
    assert epics[0]["acceptance_criteria"] == ["Done: Search rooms", "Done: Limit bookings"]
    assert epics[1]["acceptance_criteria"] == ["Nobody forgets."]
    assert {"title empty", "description empty", "no criteria"} <= set(rules(journal))


def test_a_ticket_about_what_the_spec_rules_out_is_left_out(peer: OllamaPeer) -> None:
    parking = ticket("Book parking lots", sources=[6], criteria=["Booking of parking lots works."])
    journal = Journal()
    tickets = answered(peer, [], [*TICKETS, parking], journal, include_epics=False)
    assert [one["title"] for one in tickets] == [one["title"] for one in TICKETS]
    assert rules(journal)["ticket out of scope"] == "left out"


def test_an_epic_whose_only_ticket_is_out_of_scope_tells_the_spec(peer: OllamaPeer) -> None:
    parking = ticket("Book parking lots", sources=[6], criteria=["Booking of parking lots works."])
    tickets = answered(peer, [BOOKING], [parking])
    assert not any(one["title"] == "Book parking lots" for one in tickets)
    assert "four hours" in str(tickets)


def test_an_exact_count_has_another_ticket_for_one_out_of_scope(peer: OllamaPeer) -> None:
    parking = ticket("Book parking lots", sources=[6], criteria=["Booking of parking lots works."])
    tickets = answered(peer, [], [*TICKETS, parking], ticket_count=5, include_epics=False)
    assert len(tickets) == 5
    assert "parking" not in str(tickets).lower()


def test_a_ticket_about_background_gives_way_to_a_requirement(peer: OllamaPeer) -> None:
    lost = ticket("Find the calendar", sources=[5], criteria=["The paper calendar got lost."])
    told = [SEARCH, LIMIT, CONFIRM, lost]
    tickets = answered(peer, [], told, ticket_count=4, include_epics=False)
    assert "calendar" not in str(tickets)
    assert "reminder" in str(tickets)


def test_a_ticket_about_background_alone_is_not_trusted(peer: OllamaPeer) -> None:
    """What reads as background may ask for work after all, so it stays."""
    lost = ticket("Find the calendar", sources=[5], criteria=["The paper calendar got lost."])
    tickets = answered(peer, [], [*TICKETS, lost], include_epics=False)
    assert tickets[-1]["title"] == "Find the calendar"
    assert tickets[-1]["metadata"]["confidence"] == 0.2
    assert all(one["metadata"]["confidence"] > 0.2 for one in tickets[:-1])


@pytest.mark.parametrize(
    ("written", "kept"),
    [(3, 3), (4, 3), (6, 5), (20, 13), (100, None), (0, None), (-2, None), ("8", 8)],
)
def test_points_are_those_of_the_scale(peer: OllamaPeer, written: Any, kept: int | None) -> None:
    (found, *_) = answered(peer, [], [{**SEARCH, "points": written}, *TICKETS[1:]])
    assert found["story_points"] == kept


def test_labels_are_short_words(peer: OllamaPeer) -> None:
    labels = ["#Rooms", "search, by date", "x" * 31, "a label that is a whole text", "**UX**", "!!"]
    (found, *_) = answered(peer, [], [{**SEARCH, "labels": labels}, *TICKETS[1:]])
    assert found["labels"] == ["rooms", "search", "by date", "ux"]


def test_an_epic_speaks_no_english_where_its_tickets_do_not(peer: OllamaPeer) -> None:
    spec = (
        "# Zeiten\nMitarbeitende können Beginn und Ende eines Tages eintragen.\n"
        "Das System muss warnen, wenn die Zeit zehn Stunden überschreitet.\n"
        "Vorgesetzte geben die Zeiten am Ende des Monats frei.\n"
    )
    tickets = run(peer, job(spec, ticket_count=4), model=SMALL)["tickets"]
    epics, leaves = split(tickets)
    assert epics[0]["acceptance_criteria"] == [leaf["title"] for leaf in leaves]


def test_epics_of_chapters_that_name_nothing_are_told_apart(peer: OllamaPeer) -> None:
    spec = "# Salon\n" + "".join(
        f"## {heading}\n" + "".join(f"- Owners book {thing} {n}\n" for n in range(5))
        for heading, thing in (("Must-haves", "rooms"), ("Nice-to-haves", "baths"))
    )
    found = run(peer, job(spec, title="Salon"), model=SMALL)["tickets"]
    assert [one["title"] for one in found if one["ticket_type"] == "epic"] == [
        "Salon: Must-haves",
        "Salon: Nice-to-haves",
    ]
