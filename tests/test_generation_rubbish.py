"""What models write when they have nothing to say does not become a ticket's text."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.generation import job, replying, rules, run
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
