"""Which part of an answer is taken for the tickets: all of it that is whole, and nothing else."""

import json
from collections.abc import Iterator

import pytest

from tests.generation import failure, job, replying, run, ticket
from tests.ollama_peer import OllamaPeer
from tickets.errors import JobErrorCode

SEARCH = {"tickets": [ticket("Search rooms", criteria=["Rooms, by date ,] are listed."])]}


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps(SEARCH, indent=1).replace("\n", ",\n").replace("{,", "{").replace("[,", "[")
        .replace(",,", ",").removesuffix(","),
        f"[1] and {{x}} say it: {json.dumps(SEARCH)}, or so [I think].",
        '{"tickets": [{"title": oops\nAgain: ' + json.dumps(SEARCH),
        json.dumps(SEARCH["tickets"]),
    ],
    ids=["commas too many", "brackets around", "begun twice", "list alone"],
)  # fmt: skip
def test_what_is_whole_is_taken(peer: OllamaPeer, answer: str) -> None:
    (found,) = replying(peer, answer)["tickets"]
    assert found["title"] == "Search rooms"
    assert "Rooms, by date ,] are listed." in found["acceptance_criteria"]
    assert len(peer.chats()) == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ('{"risks": [{"text": "Late."}, {"text": "Dear."}], "tickets": [{"ti', "not valid JSON"),
        ('{"tickets": [{"title": "a" "b"}], "risks": [{"text": "Late."}]}', 'no "tickets"'),
        ("{'tickets': [{'title': 'Search rooms', 'sources': [1, 2]}]}", "not valid JSON"),
        ('{"tickets": ' + "".join(f"[{at}," for at in range(9_000)), "nested too deep"),
        ('{"tickets": [{"title": "Search", "points": ' + "1" * 5_000 + "}]}", "without end"),
        ('"\\' * 200_000, "no JSON"),
    ],
    ids=["cut", "broken within", "other quotes", "nested", "digits", "quotes"],
)
def test_a_part_of_what_is_broken_is_no_answer(peer: OllamaPeer, answer: str, problem: str) -> None:
    peer.replies["given"] = answer
    fault = failure(peer, job(title="Rooms [[peer: reply given]]"))
    assert fault.code is JobErrorCode.MODEL_OUTPUT_INVALID
    assert problem in fault.message


@pytest.mark.parametrize("field", ["title", "description", "criteria", "labels"])
def test_texts_and_lists_without_end_are_cut(peer: OllamaPeer, field: str) -> None:
    endless = "endless words " * 40_000
    value = endless if field in {"title", "description"} else [endless, *map(str, range(5_000))]
    first = {**ticket("Search rooms"), field: value}
    others = [ticket("Limit each booking", sources=[2]), ticket("Confirm by email", sources=[3])]
    result = replying(peer, {"tickets": [first, *others]}, ticket_count=3)
    assert len(json.dumps(result)) < 50_000


def test_an_answer_that_ends_just_at_its_limit_is_whole(peer: OllamaPeer) -> None:
    peer.replies["given"] = json.dumps(SEARCH)
    title = "Rooms [[peer: reply given]] [[peer: length]]"
    found = run(peer, job(title=title, ticket_count=1))["tickets"]
    assert [one["title"] for one in found] == ["Search rooms"]
    assert len(peer.chats()) == 1
