"""What is wrong with a model's tickets is mended, asked for again, or told; never passed on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.generation import SPEC, job, replying, rules, run, ticket
from tests.ollama_peer import OllamaPeer
from worker.generation.journal import Journal

GOOD = [
    ticket("Search rooms", sources=[1], criteria=["A search by date lists free rooms."]),
    ticket("Limit bookings", sources=[2], criteria=["Five hours are refused."]),
    ticket("Confirm by email", sources=[3], criteria=["An email arrives after a booking."]),
]


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def answering(peer: OllamaPeer, *answers: Any) -> None:
    """The peer gives these answers in turn, the last one for ever."""
    left = list(answers)
    peer.fill = lambda _schema: left.pop(0) if len(left) > 1 else left[0]


def with_first(**fields: Any) -> dict[str, Any]:
    return {"tickets": [{**GOOD[0], **fields}, *GOOD[1:]]}


EXCUSES = [
    "I'm sorry, but I can't assist with that request.",
    "As an AI language model, I cannot write tickets.",
    "Answer with one JSON object and nothing else.",
    "Acceptance criteria are short sentences that a tester can check.",
]


@pytest.mark.parametrize(
    "title",
    ["", "TBD", "Ticket 1", "Title", "[Insert title here]", "…", "A", *EXCUSES],
)
def test_title_that_says_nothing_is_taken_from_the_spec(peer: OllamaPeer, title: str) -> None:
    journal = Journal()
    result = replying(peer, with_first(title=title), journal=journal)
    assert result["tickets"][0]["title"] == "Let employees search rooms by date and size"
    assert "title empty" in rules(journal)


@pytest.mark.parametrize(
    "description",
    ["", "N/A", "Description", "Lorem ipsum dolor", "As a [role] I want {{x}}", *EXCUSES],
)
def test_description_that_says_nothing_is_taken_from_the_spec(
    peer: OllamaPeer, description: str
) -> None:
    result = replying(peer, with_first(description=description))
    assert result["tickets"][0]["description"] == "Employees can search rooms by date and size."


@pytest.mark.parametrize(
    "criteria",
    [[], ["Search rooms."], ["It works as expected."], ["Criterion 1", "Criterion 2"], EXCUSES],
)
def test_criteria_that_repeat_or_say_nothing_are_taken_from_the_spec(
    peer: OllamaPeer, criteria: list[str]
) -> None:
    result = replying(peer, with_first(criteria=criteria))
    assert result["tickets"][0]["acceptance_criteria"] == [
        "Employees can search rooms by date and size."
    ]


def test_good_criteria_stay_when_bad_ones_go(peer: OllamaPeer) -> None:
    result = replying(peer, with_first(criteria=["Search rooms", "Free rooms are listed first."]))
    assert result["tickets"][0]["acceptance_criteria"][0] == "Free rooms are listed first."
    assert "Search rooms" not in result["tickets"][0]["acceptance_criteria"]


def test_a_question_is_no_criterion(peer: OllamaPeer) -> None:
    """The spec's own is asked as one, whatever the model makes of it."""
    asked = "Who pays for the rooms?"
    criteria = [asked, "Free rooms are listed first."]
    result = replying(peer, with_first(criteria=criteria), spec=f"{SPEC}{asked}\n")
    assert all(asked not in one["acceptance_criteria"] for one in result["tickets"])
    assert [one["question"] for one in result["open_questions"]] == [asked]


def test_what_a_requirement_says_is_neither_a_risk_nor_a_question(peer: OllamaPeer) -> None:
    said = "A booking must be at most four hours long."
    new = "Employees may book one room after the other."
    notes = {
        "risks": [{"text": text, "severity": "high"} for text in (said, "Four hours long.", new)],
        "questions": [{"text": said}, {"text": "Must a booking be at most four hours long?"}],
    }
    result = replying(peer, {"tickets": GOOD, **notes})
    assert [one["description"] for one in result["risks"]] == [new]
    assert [one["question"] for one in result["open_questions"]] == [notes["questions"][1]["text"]]


def test_only_the_bad_ticket_is_written_again(peer: OllamaPeer) -> None:
    bad = with_first(title="TBD", description="TBD", sources=[])
    answering(peer, bad, {"tickets": [GOOD[0]]})
    journal = Journal()
    result = run(peer, job(), journal=journal)
    assert [t["title"] for t in result["tickets"]] == [t["title"] for t in GOOD]
    again = peer.chats()[1]
    assert again["format"]["properties"]["tickets"]["maxItems"] == 1
    asked = again["messages"][-1]["content"]
    assert "the title does not say what the work is" in asked
    assert "Limit bookings" not in asked
    assert len(peer.chats()) == 2


def test_tickets_stay_when_there_is_no_time_to_mend_them(peer: OllamaPeer) -> None:
    """What the model has written would be lost with the attempt."""
    peer.replies["first"] = json.dumps(with_first(title="TBD", sources=[]))
    marks = iter(["[[peer: reply first]]"])
    peer.acts = lambda _: next(marks, "[[peer: hang]]")
    assert len(run(peer, job(), seconds=1.5)["tickets"]) >= 3
    assert len(peer.chats()) > 1


def test_rewriting_that_does_not_help_is_recorded_and_passes(peer: OllamaPeer) -> None:
    journal = Journal()
    bad = with_first(title="Improve everything", sources=[])
    result = replying(peer, bad, journal=journal)
    assert result["tickets"][0]["title"] == "Improve everything"
    unmended = [repair for repair in journal.repairs if not repair.done]
    assert any("names no sentence" in repair.rule for repair in unmended)
    assert len(peer.chats()) == 2


def test_ticket_that_has_nothing_of_its_sentences_is_written_again(peer: OllamaPeer) -> None:
    strange = with_first(
        title="Launch quantum teleporters", description="Beam unicorns.", criteria=["They dance."]
    )
    answering(peer, strange, {"tickets": [GOOD[0]]})
    assert run(peer, job())["tickets"][0]["title"] == "Search rooms"


def test_ticket_that_stays_strange_is_made_of_its_sentences(peer: OllamaPeer) -> None:
    strange = with_first(
        title="Launch quantum teleporters", description="Beam unicorns.", criteria=["They dance."]
    )
    found = replying(peer, strange)["tickets"][0]
    assert found["title"] == "Let employees search rooms by date and size"
    assert found["acceptance_criteria"] == ["Employees can search rooms by date and size."]
    assert found["metadata"]["confidence"] == 0.4


def test_scripts_without_spaces_are_compared_too(peer: OllamaPeer) -> None:
    spec = "在庫が減ったら担当者にメールで通知する。商品をバーコードで登録できること。"
    answer = {
        "tickets": [
            ticket(
                "メールで担当者に通知",
                description="在庫が減ったときに通知する。",
                criteria=["通知が届く。"],
            ),
            ticket(
                "商品のバーコード登録",
                description="商品を登録する。",
                criteria=["登録できる。"],
                sources=[2],
            ),
        ]
    }
    journal = Journal()
    assert len(replying(peer, answer, spec=spec, journal=journal)["tickets"]) == 2
    assert journal.repairs == []


def test_source_is_found_by_words(peer: OllamaPeer) -> None:
    result = replying(peer, with_first(title="Search rooms by date and size", sources=[]))
    (span,) = result["tickets"][0]["metadata"]["source_spans"]
    assert SPEC[span["start"] : span["end"]] == "Employees can search rooms by date and size."
    assert len(peer.chats()) == 1


def test_twins_become_one(peer: OllamaPeer) -> None:
    twin = {**GOOD[0], "title": "Search the rooms", "criteria": ["Size can be chosen."]}
    journal = Journal()
    result = replying(peer, {"tickets": [*GOOD, twin]}, journal=journal)
    assert [t["title"] for t in result["tickets"]] == [t["title"] for t in GOOD]
    assert len(result["tickets"][0]["acceptance_criteria"]) == 2
    assert rules(journal)["ticket twice"] == "merged with its twin"


def test_twins_about_one_sentence_become_its_steps_where_the_count_is_exact(
    peer: OllamaPeer,
) -> None:
    twin = {**GOOD[0], "title": "Search the rooms"}
    tickets = replying(peer, {"tickets": [*GOOD, twin]}, ticket_count=4, include_epics=False)[
        "tickets"
    ]
    assert len(tickets) == 4
    steps = [found for found in tickets if "does not name this step" in found["description"]]
    assert [found["metadata"]["confidence"] for found in steps] == [0.2]


def test_twins_of_an_exact_count_share_out_what_they_cite(peer: OllamaPeer) -> None:
    alike = [
        ticket("Improve the rooms page", sources=[1, 2, 3], criteria=[f"Rooms are good{dots}"])
        for dots in (".", "..", "...")
    ]
    answer, journal = {"tickets": alike}, Journal()
    result = replying(peer, answer, ticket_count=3, include_epics=False, journal=journal)
    assert [found["acceptance_criteria"] for found in result["tickets"]] == [
        [line] for line in SPEC.splitlines()[1:]
    ]
    assert len({found["title"] for found in result["tickets"]}) == 3
    assert rules(journal)["ticket twice"].startswith("3 share its sentences")


def test_twins_that_together_tell_what_neither_does_are_two_tickets_where_two_are_asked_for(
    peer: OllamaPeer,
) -> None:
    one = ticket("Search rooms", sources=[1, 2], criteria=["The system has a confirmation."])
    other = ticket("Search rooms", sources=[1, 2], criteria=["It sends each email at once."])
    answer = {"tickets": [one, other]}
    first, second = replying(peer, answer, ticket_count=2, include_epics=False)["tickets"]
    assert first["title"] != second["title"]
    assert not set(first["acceptance_criteria"]) & set(second["acceptance_criteria"])


@pytest.mark.parametrize("count", [3, None])
def test_different_work_of_one_title_gets_titles_of_its_own(
    peer: OllamaPeer, count: int | None
) -> None:
    alike = [
        ticket("Improve booking", sources=[number], criteria=[line])
        for number, line in enumerate(SPEC.splitlines()[1:], start=1)
    ]
    answer, journal = {"tickets": alike}, Journal()
    result = replying(peer, answer, ticket_count=count, include_epics=False, journal=journal)
    assert [found["title"] for found in result["tickets"]] == [
        "Improve booking",
        "Ensure that a booking is at most four hours long",
        "Send a confirmation by email",
    ]
    assert "title twice" in rules(journal)


def test_tickets_that_differ_in_a_word_are_no_twins(peer: OllamaPeer) -> None:
    spec = "- An email is sent when an order is shipped.\n- An email is sent when it is cancelled."
    answer = {
        "tickets": [
            ticket("Send email when order is shipped", sources=[1], criteria=["Shipped: one mail"]),
            ticket("Send email when order is cancelled", sources=[2], criteria=["Stop: a note"]),
        ]
    }
    assert len(replying(peer, answer, spec=spec)["tickets"]) == 2


def test_more_than_eight_criteria_are_told_in_the_description(peer: OllamaPeer) -> None:
    criteria = [f"Rule {number} holds." for number in range(11)]
    found = replying(peer, with_first(criteria=criteria))["tickets"][0]
    assert found["acceptance_criteria"] == criteria[:8]
    assert all(criterion in found["description"] for criterion in criteria[8:])


def test_the_specs_own_questions_and_risks_are_kept(peer: OllamaPeer) -> None:
    spec = f"{SPEC}\n# Risks\nThe old calendar may lose data.\n# Open questions\nWho pays for it?\n"
    result = replying(peer, {"tickets": GOOD}, spec=spec)
    assert [risk["description"] for risk in result["risks"]] == ["The old calendar may lose data."]
    assert [asked["question"] for asked in result["open_questions"]] == ["Who pays for it?"]


def test_component_confidence_and_span_are_in_every_ticket(peer: OllamaPeer) -> None:
    epic = {"title": "Rooms", "description": "All about rooms.", "outcome": "Rooms are booked."}
    answer = {"epics": [epic], "tickets": [{**one, "epic": 1} for one in GOOD]}
    tickets = replying(peer, answer, ticket_count=4)["tickets"]
    assert [t["ticket_type"] for t in tickets].count("epic") == 1
    for found in tickets:
        assert found["metadata"]["component"] == "Room booking"
        assert 0 < found["metadata"]["confidence"] <= 1
        assert found["metadata"]["source_spans"]


def test_confidence_falls_with_words_that_the_spec_does_not_have(peer: OllamaPeer) -> None:
    invented = with_first(title="Launch quantum teleporters", criteria=["Rooms dance by size."])
    tickets = replying(peer, invented)["tickets"]
    assert tickets[0]["metadata"]["confidence"] < tickets[1]["metadata"]["confidence"]


def test_tickets_that_say_nothing_are_made_of_what_no_other_says(peer: OllamaPeer) -> None:
    blank = {"title": " ", "description": "TBD", "criteria": [""]}
    search = ticket("Search rooms by date and size")
    answering(peer, {"tickets": [blank, search, {}]}, {"tickets": [blank]})
    found = run(peer, job())["tickets"]
    assert [(one["title"], one["acceptance_criteria"]) for one in found] == [
        (
            "Ensure that a booking is at most four hours long",
            ["A booking must be at most four hours long."],
        ),
        ("Search rooms by date and size", ["It is shown on the page."]),
        ("Send a confirmation by email", ["The system sends a confirmation by email."]),
    ]
    assert found[0]["metadata"]["confidence"] == 0.4


def test_models_many_questions_do_not_push_out_the_specs(peer: OllamaPeer) -> None:
    asked = [f"What about item {number} of list {number * 13}?" for number in range(300)]
    own = [f"Does rule {number} count for guests?" for number in range(150)]
    spec = "\n".join([SPEC, "## Open questions", *(f"- {question}" for question in own)])
    answer = {"tickets": [ticket("Search rooms", sources=[1, 2, 3])], "questions": asked}
    told = [one["question"] for one in replying(peer, answer, spec)["open_questions"]]
    assert set(own) <= set(told)
    assert len(told) <= 200


def test_questions_that_differ_in_a_word_are_both_kept(peer: OllamaPeer) -> None:
    own = ["Is the lift open in winter for guests?", "Is the lift open in summer for guests?"]
    spec = "\n".join([SPEC, "## Open questions", *(f"- {question}" for question in own)])
    answer = {"tickets": [ticket("Search rooms", sources=[1, 2, 3])], "questions": own[:1]}
    told = [one["question"] for one in replying(peer, answer, spec)["open_questions"]]
    assert sorted(told) == sorted(own)


def test_more_notes_than_can_be_read_are_told_together(peer: OllamaPeer) -> None:
    own = [f"Does rule {number} count for guests?" for number in range(401)]
    spec = "\n".join([SPEC, "## Open questions", *(f"- {question}" for question in own)])
    told = [
        one["question"]
        for one in replying(peer, {"tickets": [ticket("Search rooms")]}, spec)["open_questions"]
    ]
    assert len(told) <= 200
    assert all(any(question in one for one in told) for question in own)


def test_mending_is_bounded(peer: OllamaPeer) -> None:
    """A model that never gets better costs a few calls, not the job's whole time."""
    nothing = {"tickets": [ticket(" ", description=" ", criteria=[" "], sources=[])]}
    run(peer, job(title=f"Rooms {replied(peer, nothing)}", ticket_count=1))
    assert len(peer.chats()) <= 4


def replied(peer: OllamaPeer, answer: Any) -> str:
    peer.replies["nothing"] = json.dumps(answer)
    return "[[peer: reply nothing]]"
