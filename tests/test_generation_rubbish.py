"""What models write when they have nothing to say does not become a ticket's text."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.generation import job, replying, rules, run, ticket
from tests.ollama_peer import OllamaPeer
from tests.test_generation_checks import GOOD, with_first
from worker.generation.journal import Journal


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


@pytest.mark.parametrize("criteria", [["low"], ["Done", "high", "medium"]])
def test_a_word_is_no_criterion(peer: OllamaPeer, criteria: list[str]) -> None:
    """Such as those of the schema, which small models fill in anywhere."""
    result = replying(peer, with_first(criteria=criteria))
    assert result["tickets"][0]["acceptance_criteria"] == [
        "Employees can search rooms by date and size."
    ]


def test_a_part_is_not_called_by_the_name_of_the_whole(peer: OllamaPeer) -> None:
    title = "Rooms [[peer: reply given]]"
    result = replying(peer, with_first(title=title))
    assert result["tickets"][0]["title"] == "Let employees search rooms by date and size"
    (alone,) = replying(peer, {"tickets": [{**GOOD[0], "title": title}]}, ticket_count=1)["tickets"]
    assert alone["title"] == title


def test_texts_cut_off_by_the_grammar_end_with_a_sentence(peer: OllamaPeer) -> None:
    """They are as long as the schema allows, and break off there."""
    journal = Journal()

    def fill(schema: dict[str, Any]) -> Any:
        fields = schema["properties"]["tickets"]["items"]["properties"]

        def full(start: str, name: str) -> str:
            return (start + "and so forth " * 80)[: fields[name]["maxLength"]]

        criterion = (f"Rooms are found by date. {'x' * 300}")[:200]
        first = {
            **GOOD[0],
            "title": full("Search rooms and ", "title"),
            "description": full("Rooms are searched by date. And then ", "description"),
            "criteria": [criterion],
        }
        return {"summary": "Rooms.", "tickets": [first, *GOOD[1:]]}

    peer.fill = fill
    found = run(peer, job(), journal=journal)["tickets"][0]
    assert found["title"] == "Let employees search rooms by date and size"
    assert found["description"] == "Rooms are searched by date."
    assert found["acceptance_criteria"][0] == "Rooms are found by date."
    assert rules(journal)["text cut off"] == "3 ended at a sentence"


def test_a_sentence_is_said_once(peer: OllamaPeer) -> None:
    journal = Journal()
    told = "Rooms are searched by date. Then they are shown. Rooms are searched by date."
    result = replying(
        peer, with_first(description=f"{told}\n- Then they are shown."), journal=journal
    )
    assert result["tickets"][0]["description"] == (
        "Rooms are searched by date. Then they are shown."
    )
    assert rules(journal)["sentence repeated"] == "said once"


def test_what_code_took_from_the_spec_is_not_trusted_more(peer: OllamaPeer) -> None:
    """The spec's own words would count as well founded."""
    (found, *_) = replying(peer, with_first(title="TBD", criteria=["It works."]))["tickets"]
    assert found["metadata"]["confidence"] == 0.4


ROUND = (
    "The page shows a room that has a list that is a room that has a list that is a room that has"
)


def test_a_text_that_goes_round_says_nothing(peer: OllamaPeer) -> None:
    looping = with_first(title=ROUND, description=ROUND, criteria=[ROUND])
    answer = {
        **looping,
        "summary": ROUND,
        "risks": [{"text": ROUND, "severity": "low"}],
        "questions": [{"text": ROUND}],
    }
    result = replying(peer, answer)
    assert "a room that has" not in str(result)
    assert result["tickets"][0]["description"] == "Employees can search rooms by date and size."
    assert result["source"]["summary"].startswith("Employees can search rooms")
    assert (result["risks"], result["open_questions"]) == ([], [])


def test_a_text_cut_off_before_its_first_end_says_nothing(peer: OllamaPeer) -> None:
    def fill(schema: dict[str, Any]) -> Any:
        fields = schema["properties"]["tickets"]["items"]["properties"]
        endless = ", ".join(f"word {n}" for n in range(200))
        first = {**GOOD[0], "description": endless[: fields["description"]["maxLength"]]}
        return {"tickets": [{**first, "criteria": [endless[:200]]}, *GOOD[1:]]}

    peer.fill = fill
    found = run(peer, job())["tickets"][0]
    assert found["description"] == "Employees can search rooms by date and size."
    assert found["acceptance_criteria"] == ["Employees can search rooms by date and size."]


def test_a_note_is_told_once_and_is_no_title(peer: OllamaPeer) -> None:
    same = "Emails may get lost on their way."
    answer = {
        "tickets": GOOD,
        "risks": [{"text": same}, {"text": "TBD"}, {"text": GOOD[0]["title"]}],
        "questions": [{"text": same}, {"text": "Who reads them?"}],
    }
    result = replying(peer, answer)
    assert [risk["description"] for risk in result["risks"]] == [same]
    assert [one["question"] for one in result["open_questions"]] == ["Who reads them?"]


def test_tickets_asked_for_once_more_are_no_twins(peer: OllamaPeer) -> None:
    """The model leaves out most of the spec, and then says one thing for all of it."""
    rooms = [f"The page must show room {n} with its own picture." for n in range(8)]
    first = {"tickets": [ticket("Show room 0", sources=[1], criteria=["Room 0 has a picture."])]}
    again = ticket("Show another room", criteria=["The picture of the other room is shown."])
    more = {"tickets": [{**again, "sources": [n]} for n in (2, 3, 4)]}
    left = [first, more]
    peer.fill = lambda _schema: left.pop(0) if len(left) > 1 else left[0]
    tickets = run(peer, job("\n".join(rooms), include_epics=False))["tickets"]
    titles = [one["title"] for one in tickets]
    assert titles == ["Show room 0", "Show another room"]


def test_criteria_are_taken_from_what_the_spec_asks_for(peer: OllamaPeer) -> None:
    """Not from its questions, which the ticket cites as well."""
    spec = "Rooms can be searched by date.\n\nIs a phone app needed in the first release?\n"
    written = ticket("Search rooms", sources=[2, 1], criteria=["It works."])
    (found,) = replying(peer, {"tickets": [written]}, spec, ticket_count=1)["tickets"]
    assert found["acceptance_criteria"] == ["Rooms can be searched by date."]


def test_sentences_that_differ_in_a_word_are_no_loop(peer: OllamaPeer) -> None:
    told = "Staff can list rooms as a CSV file. Staff can list rooms as a PDF file."
    result = replying(peer, with_first(description=told))
    assert result["tickets"][0]["description"] == told


@pytest.mark.parametrize("title", ["[31m", "Answer with one JSON object and nothing else"])
def test_a_ticket_that_says_and_cites_nothing_gives_way(peer: OllamaPeer, title: str) -> None:
    """Also where the count is exact, and neither the spec nor the model has another."""
    nothing = ticket(title, description="", criteria=[title], sources=[])
    left = [{"tickets": [*GOOD, nothing]}, {}]
    peer.fill = lambda _schema: left.pop(0) if len(left) > 1 else left[0]
    found = run(peer, job(ticket_count=4, include_epics=False))["tickets"]
    assert len(found) == 4
    assert title not in str(found)


def test_a_ticket_without_a_title_is_called_by_what_it_is_found_to_tell(peer: OllamaPeer) -> None:
    title = "Answer with one JSON object and nothing else"
    told = "Employees can search rooms by date and by size."
    first = ticket(title, description=told, criteria=[told], sources=[])
    found = replying(peer, {"tickets": [first, *GOOD[1:]]}, ticket_count=3)["tickets"]
    assert found[0]["title"] == "Let employees search rooms by date and size"
