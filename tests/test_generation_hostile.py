"""Specs that are hardly texts: long lines of nothing, and nothing but short sentences."""

import json
from collections.abc import Iterator

import pytest

from tests.generation import failure, job, replying, run, ticket
from tests.ollama_peer import SMALL, OllamaPeer
from tickets.errors import JobErrorCode


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


@pytest.mark.parametrize(
    "spec",
    [
        (" " * 400_000 + "a | b\n") * 2,
        "a | b\n" + "|--" * 100_000 + "x",
        "[" * 100_000,
        "1." * 50_000,
        "Wait" + " " * 300_000 + "for it.",
        ("- " * 140 + "x\n") * 1000,
    ],
    ids=["spaces before a table", "divider", "brackets", "numbers", "gap", "bullets"],
)
def test_lines_without_end_are_read_in_no_time(peer: OllamaPeer, spec: str) -> None:
    """Patterns that try each place against each other would take hours, well beyond the limit."""
    assert run(peer, job(spec, ticket_count=3), model=SMALL)["tickets"]


def test_thoughts_that_are_opened_without_end_are_no_answer(peer: OllamaPeer) -> None:
    peer.replies["given"] = "".join(f"<think>{number}" for number in range(150_000))
    fault = failure(peer, job(title="Rooms [[peer: reply given]]"))
    assert fault.code is JobErrorCode.MODEL_OUTPUT_INVALID


@pytest.mark.parametrize(
    "marks", ["<think>{0}</think>{1}", "{0}</think>{1}", "<think>a</think>{1}<think>{0}"]
)
def test_thoughts_in_marks_are_no_answer(peer: OllamaPeer, marks: str) -> None:
    thought, answer = '{"tickets": [', json.dumps({"tickets": [ticket("Search rooms")]})
    found = replying(peer, marks.replace("{0}", thought).replace("{1}", answer))["tickets"]
    assert [one["title"] for one in found] == ["Search rooms"]


@pytest.mark.slow
def test_hundred_thousand_sentences_are_planned(peer: OllamaPeer) -> None:
    result = run(peer, job("Ab. " * 100_000), model=SMALL)
    assert len(result["tickets"]) == 50


@pytest.mark.slow
def test_hundred_thousand_sentences_are_covered(peer: OllamaPeer) -> None:
    assert run(peer, job("Ab. " * 100_000))["tickets"]
