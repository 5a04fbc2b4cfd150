"""What a spec asks for is told from what it tells, leaves out or does not know."""

from collections.abc import Iterator

import pytest

from tests.generation import criteria, job, run
from tests.ollama_peer import SMALL, OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def test_what_is_bad_today_is_no_work_of_its_own(peer: OllamaPeer) -> None:
    spec = (
        "# Points\n## Why\nPaper cards get lost and cannot be analysed. Staff must see points.\n"
        "## Points\nCustomers earn 1 point per euro.\n"
    )
    told = criteria(peer, spec)
    assert told == ["Staff must see points.", "Customers earn 1 point per euro."]


@pytest.mark.parametrize(
    "heading", ["Not now", "Not yet", "Deferred", "What we won't do", "Not included in v1"]
)
def test_what_is_not_for_now_makes_no_ticket(peer: OllamaPeer, heading: str) -> None:
    spec = f"# Points\n## Points\nCustomers earn points.\n## {heading}\nTiers and gifts.\n"
    assert criteria(peer, spec) == ["Customers earn points."]


def test_what_nobody_is_sure_of_is_asked(peer: OllamaPeer) -> None:
    spec = "# Dark mode\nAdd a dark mode.\nNot sure if it has to cover the mails too? Ask legal.\n"
    result = run(peer, job(spec, ticket_count=1), model=SMALL)
    (asked,) = result["open_questions"]
    assert asked["question"].startswith("Not sure if it has to cover the mails too?")


def test_a_summary_of_list_items_has_sentences(peer: OllamaPeer) -> None:
    spec = "- Add a dark mode\n- Add a search box\n"
    result = run(peer, job(spec, ticket_count=2, include_epics=False), model=SMALL)
    assert result["source"]["summary"] == "Add a dark mode. Add a search box."
