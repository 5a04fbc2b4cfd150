"""Each requirement of a spec is said by a ticket, or asked about, whatever the model leaves out."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.generation import SPEC, job, replying, rules, run, ticket
from tests.ollama_peer import OllamaPeer
from worker.generation.journal import Journal

GOOD = [
    ticket("Search rooms", sources=[1], criteria=["A search by date and size lists rooms."]),
    ticket("Limit bookings", sources=[2], criteria=["A booking of five hours is refused."]),
    ticket("Confirm by email", sources=[3], criteria=["An email arrives after a booking."]),
]


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def criteria(result: dict[str, Any]) -> list[list[str]]:
    return [found["acceptance_criteria"] for found in result["tickets"]]


def left_out(count: int) -> str:
    return "# Rooms\n" + "\n".join(
        f"- The {word} list must show all rooms of floor {number}."
        for number, word in enumerate(
            ["morning", "evening", "weekend", "holiday", "summer", "winter"][:count]
        )
    )


def test_what_no_ticket_covers_is_asked_for(peer: OllamaPeer) -> None:
    first = {"tickets": [ticket("Show the morning list", sources=[1])]}
    second = {"tickets": [ticket("Show the other lists of rooms", sources=[2, 3, 4, 5, 6])]}
    left = [first, second]
    peer.fill = lambda _schema: left.pop(0) if len(left) > 1 else left[0]
    result = run(peer, job(left_out(6)))
    assert len(result["tickets"]) == 2
    prompt = peer.chats()[1]["messages"][-1]["content"]
    assert "[1]" not in prompt
    assert "evening" in prompt
    assert "Show the morning list" in prompt


@pytest.mark.parametrize("options", [{}, {"ticket_count": 1}])
def test_what_is_left_out_becomes_a_criterion_of_the_nearest_ticket(
    peer: OllamaPeer, options: dict[str, Any]
) -> None:
    answer = {"tickets": [ticket("Show the morning list", sources=[1])]}
    journal = Journal()
    result = replying(peer, answer, spec=left_out(3), journal=journal, **options)
    assert result["tickets"][0]["acceptance_criteria"][-1] == (
        "The weekend list must show all rooms of floor 2."
    )
    assert rules(journal)["requirements left out"] == "2 made criteria"


def test_what_has_no_ticket_near_becomes_an_open_question(peer: OllamaPeer) -> None:
    spec = f"{SPEC}\n# Billing\nEach department must pay for its bookings.\n"
    result = replying(peer, {"tickets": GOOD}, spec=spec)
    (asked,) = result["open_questions"]
    assert "Each department must pay for its bookings." in asked["question"]
    assert "Billing" in asked["question"]


def test_each_of_many_requirements_without_a_ticket_is_asked_about(peer: OllamaPeer) -> None:
    rules = [f"Department {number} must pay for its bookings." for number in range(1, 12)]
    spec = f"{SPEC}\n# Billing\n" + "\n".join(f"- {rule}" for rule in rules)
    result = replying(peer, {"tickets": GOOD}, spec=spec, ticket_count=3, include_epics=False)
    asked = " ".join(one["question"] for one in result["open_questions"])
    assert all(rule in asked for rule in rules)


RULE = "A booking of over 30 days needs the consent of the landlord."


def test_what_a_ticket_cites_and_does_not_say_becomes_a_criterion(peer: OllamaPeer) -> None:
    answer = {"tickets": [ticket("Manage bookings", sources=[1, 2], criteria=["It is safe."])]}
    journal = Journal()
    result = replying(peer, answer, spec=f"# Booking\nRooms are booked.\n{RULE}\n", journal=journal)
    assert RULE in criteria(result)[0]
    assert rules(journal)["requirements cited only"]


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        ("The landlord has to consent to any booking above 30 days.", True),
        ("The landlord has to consent to any long booking.", False),
        ("Consent is asked for.", False),
    ],
)
def test_other_words_tell_a_requirement_but_not_without_its_numbers(
    peer: OllamaPeer, said: str, is_told: bool
) -> None:
    answer = {"tickets": [ticket("Ask first", sources=[1], criteria=[said])]}
    result = replying(peer, answer, spec=f"# Booking\n{RULE}\n")
    assert criteria(result) == [[said] if is_told else [said, RULE]]


def test_tickets_that_all_cite_everything_share_out_what_they_do_not_say(peer: OllamaPeer) -> None:
    answer = {
        "tickets": [
            ticket("Search rooms", sources=[1, 2, 3], criteria=["By date and by size."]),
            ticket("Confirm by email", sources=[1, 2, 3], criteria=["An email is sent."]),
        ]
    }
    told = [text for own in criteria(replying(peer, answer)) for text in own]
    assert told.count("A booking must be at most four hours long.") == 1


def test_what_code_adds_makes_a_ticket_no_surer(peer: OllamaPeer) -> None:
    answer = {"tickets": [ticket("Manage bookings", sources=[1], criteria=["It is safe."])]}
    (found,) = replying(peer, answer, spec=f"# Booking\n{RULE}\n")["tickets"]
    assert RULE in found["acceptance_criteria"]
    # One word of the model's three is the spec's.
    assert found["metadata"]["confidence"] == 0.45


def test_no_criterion_of_merged_twins_is_lost(peer: OllamaPeer) -> None:
    lines = [f"Rooms on floor {number} show colour {number}00." for number in range(1, 7)]
    halves = [
        ticket("Show colours of rooms", sources=[1, 2, 3, 4, 5, 6], criteria=[*lines, one])
        for one in ("Grey is never shown, as nobody sees it.", "White counts as a colour as well.")
    ]
    for half in halves:
        half["criteria"] += [f"{half['criteria'][-1]} Again {number}." for number in range(3)]
    peer.replies["given"] = json.dumps({"tickets": halves})
    spec = "# Colours\n" + "\n".join(lines)
    (found,) = run(peer, job(spec, title="Rooms [[peer: reply given]]"))["tickets"]
    said = json.dumps(found)
    assert all(text in said for half in halves for text in half["criteria"])


def test_a_ticket_that_only_cites_a_whole_chapter_gives_it_up(peer: OllamaPeer) -> None:
    """A lazy model writes one ticket for all; the rest is asked for, as there is no count."""
    spec = "\n".join(f"The page must show item {n} with picture {n * 7}." for n in range(20))
    lazy = ticket("Show item 0", sources=list(range(1, 21)), criteria=["Item 0 has picture 0."])
    asked: list[list[int]] = []

    def fill(schema: dict[str, Any]) -> Any:
        numbers = schema["properties"]["tickets"]["items"]["properties"]["sources"]["items"]
        asked.append([numbers["minimum"], numbers["maximum"]])
        if len(asked) == 1:
            return {"tickets": [lazy]}
        cited = range(numbers["minimum"], numbers["maximum"] + 1)
        return {
            "tickets": [
                ticket(
                    f"Show item {n - 1} and its picture",
                    sources=[n],
                    criteria=[f"Item {n - 1} has picture {(n - 1) * 7}."],
                )
                for n in cited
            ]
        }

    peer.fill = fill
    journal = Journal()
    tickets = run(peer, job(spec, include_epics=False), journal=journal)["tickets"]
    assert "too much in one ticket" in rules(journal)
    assert len(asked) == 2
    assert len(tickets) > 8
    assert all("also covers" not in one["description"] for one in tickets)
    told = json.dumps(tickets)
    assert all(f"picture {n * 7}." in told for n in range(20))
