"""Markdown of a spec and of a model's texts does not reach a ticket; what looks like it does."""

from collections.abc import Iterator

import pytest

from tests.generation import job, leaves, replying, run, ticket
from tests.ollama_peer import SMALL, OllamaPeer

# As it stands in Markdown, and as it reads.
INLINE = {
    "bold": ("The page **must** show it.", "The page must show it."),
    "a bold label": ("**Limits:**all pages must load fast.", "Limits:all pages must load fast."),
    "beside brackets": (
        "ページは**「重要」**を表示する必要があります。",
        "ページは「重要」を表示する必要があります。",
    ),
    "struck out": ("The ~~old~~ page must go.", "The old page must go."),
    "a link": ("It must follow [the rules](http://a.example/x_(y)).", "It must follow the rules."),
    "a reference": ("It must follow [the rules][1].", "It must follow the rules."),
    "an image": ("It must look so: ![the page](a.png).", "It must look so: the page."),
    "code": ("It must read `a*b*c` and `__init__`.", "It must read a*b*c and __init__."),
    "an escape": ("It must send user\\_id.", "It must send user_id."),
    "an entity": ("It must print R&amp;D.", "It must print R&D."),
    "a pattern": ("It must take *.csv and *.txt.", "It must take *.csv and *.txt."),
    "arguments": ("It must hand on *args and **kwargs.", "It must hand on *args and **kwargs."),
    "a product": ("It must be 2 * 3 * 4 pixels wide.", "It must be 2 * 3 * 4 pixels wide."),
    "a name": ("It must send last_login_at.", "It must send last_login_at."),
    "a tag": ("It must print <sku> first.", "It must print <sku> first."),
    "brackets": ("It must answer [1] or [a].", "It must answer [1] or [a]."),
}


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


@pytest.mark.parametrize(("marked", "plain"), INLINE.values(), ids=INLINE.keys())
def test_a_sentence_of_a_spec_is_read_without_its_marks(
    peer: OllamaPeer, marked: str, plain: str
) -> None:
    (found,) = run(peer, job(f"# Work\n\n- {marked}\n", ticket_count=1), model=SMALL)["tickets"]
    assert found["acceptance_criteria"] == [plain]


def test_bold_text_of_two_sentences_leaves_no_marks(peer: OllamaPeer) -> None:
    spec = "# Work\n\n**The page must open. It must close.**\n"
    (found,) = run(peer, job(spec, ticket_count=1), model=SMALL)["tickets"]
    assert found["acceptance_criteria"] == ["The page must open.", "It must close."]


@pytest.mark.parametrize(("marked", "plain"), INLINE.values(), ids=INLINE.keys())
def test_what_a_model_writes_is_read_without_its_marks(
    peer: OllamaPeer, marked: str, plain: str
) -> None:
    written = ticket("Show the page", description=marked, criteria=[marked])
    answer = {
        "summary": marked,
        "tickets": [written],
        "risks": [{"text": f"Late: {marked}", "severity": "low"}],
        "questions": [{"text": f"Whether: {marked}"}],
    }
    found = replying(peer, answer, f"# Work\n\n{plain}\n", ticket_count=1)
    assert found["source"]["summary"] == plain
    assert found["tickets"][0]["description"] == plain
    assert plain in found["tickets"][0]["acceptance_criteria"]
    assert found["risks"][0]["description"] == f"Late: {plain}"
    assert found["open_questions"][0]["question"] == f"Whether: {plain}"


@pytest.mark.parametrize(
    "title",
    [
        "## **Search rooms by date**",
        "1. Search rooms by date",
        "- [ ] Search rooms by date.",
        "Ticket 3: Search rooms by date",
        "[SPEC-12] Search rooms by date",
        "User story: Search rooms by date",
        '"Search rooms by date"',
        "Story 1 - `Search rooms by date`",
    ],
)
def test_a_title_names_the_work_and_nothing_else(peer: OllamaPeer, title: str) -> None:
    (found,) = replying(peer, {"tickets": [ticket(title)]}, ticket_count=1)["tickets"]
    assert found["title"] == "Search rooms by date"


@pytest.mark.parametrize(
    "title",
    [
        "Bug reports: show them by room",
        "3D view of a room",
        "Task list: sort by date",
        "Rooms in C#",
    ],
)
def test_a_title_that_only_begins_like_a_number_or_a_type_stays(
    peer: OllamaPeer, title: str
) -> None:
    (found,) = replying(peer, {"tickets": [ticket(title)]}, ticket_count=1)["tickets"]
    assert found["title"] == title


def test_criteria_are_read_without_the_marks_of_a_list(peer: OllamaPeer) -> None:
    criteria = ["- [ ] Rooms are found by date", "2. Rooms are found by size", "* > Both at once"]
    written = ticket("Search rooms by date", criteria=criteria)
    (found,) = replying(peer, {"tickets": [written]}, ticket_count=1)["tickets"]
    for told in ("Rooms are found by date", "Rooms are found by size", "Both at once"):
        assert told in found["acceptance_criteria"]


def test_a_description_keeps_its_lists_and_code(peer: OllamaPeer) -> None:
    written = (
        "## Goal\n**Search** rooms:\n\n\n\n* by date\n  * [x] by `size`\n```\n*a* = [b](c)\n```"
    )
    answer = {"tickets": [ticket("Search rooms by date", description=written)]}
    (found,) = replying(peer, answer, ticket_count=1)["tickets"]
    assert found["description"] == ("Goal\nSearch rooms:\n\n- by date\n  - by size\n*a* = [b](c)")


def test_marks_that_close_a_heading_go_and_a_sharp_stays(peer: OllamaPeer) -> None:
    written = ticket("Search rooms by date", description="# Rooms in C#\n# Dates #\nAll.")
    (found,) = replying(peer, {"tickets": [written]}, ticket_count=1)["tickets"]
    assert found["description"] == "Rooms in C#\nDates\nAll."
    spec = "# App\n## Parser for C#\nThe page shows it.\n## Help #\nThe page shows help.\n"
    parts = [one["metadata"]["component"] for one in leaves(peer, spec)]
    assert parts == ["Parser for C#", "Help"]
