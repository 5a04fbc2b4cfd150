"""What people jot down: lists on one line, minutes, legends, asides and tables of sentences."""

from collections.abc import Iterator

import pytest

from tests.generation import criteria, leaves, titles
from tests.ollama_peer import OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def test_a_list_on_one_line_is_read_by_its_semicolons(peer: OllamaPeer) -> None:
    spec = (
        "Queue display: ticket machine with six categories; staff call the next number with one "
        "key; skipped numbers may come back within 15 minutes; waiting time on the website; "
        "statistics per day as Excel."
    )
    assert criteria(peer, spec)[1:] == [
        "staff call the next number with one key",
        "skipped numbers may come back within 15 minutes",
        "waiting time on the website",
        "statistics per day as Excel.",
    ]


def test_two_semicolons_part_no_sentence(peer: OllamaPeer) -> None:
    spec = "# Rooms\nMembers book rooms; guests may not; staff help them.\n"
    assert criteria(peer, spec) == ["Members book rooms; guests may not; staff help them."]


def test_each_row_of_a_table_of_sentences_is_named_by_its_own(peer: OllamaPeer) -> None:
    spec = (
        "# RFP, annex 2: requirements\n| No. | Requirement | M/S/C |\n|---|---|---|\n"
        "| 1 | The system must support SCORM 1.2 | M |\n"
        "| 2 | Learners can resume a course where they left it | S |\n"
        "| 3 | Managers are told of overdue training weekly | S |\n\n"
        "M = must, S = should.\n"
    )
    assert titles(peer, spec) == [
        "Support SCORM 1.2",
        "Let learners resume a course where they left it",
        "Ensure that managers are told of overdue training weekly",
    ]


def test_titles_of_rows_in_another_language_name_them(peer: OllamaPeer) -> None:
    spec = (
        "# Médiathèque\n## Prêts\n| Type | Durée |\n|---|---|\n| Livre | 21 jours |\n"
        "| DVD | 7 jours |\n\n## Accueil\nLe personnel accueille les lecteurs.\n"
    )
    assert titles(peer, spec)[0] == "Prêts: Livre, DVD"


def test_minutes_in_german_tell_what_is_decided(peer: OllamaPeer) -> None:
    spec = (
        "# Jour fixe, 4. März\nAnwesend: Jana, Piet\nEntschuldigt: Lea\n\n"
        "## TOP 1 Retouren\nKunden müssen den Grund der Retoure bis zum 11. März auswählen.\n"
        "## TOP 2 Newsletter\nVertagt.\n\nNächster Termin: 11. März, 10 Uhr\n"
    )
    (found,) = leaves(peer, spec)
    assert found["title"].startswith("Retouren: Kunden müssen")
    assert found["acceptance_criteria"] == [
        "Kunden müssen den Grund der Retoure bis zum 11. März auswählen."
    ]


@pytest.mark.parametrize("aside", ["I have an idea for an app called Plant.", "I don't want ads."])
def test_what_somebody_has_or_does_not_want_is_no_work(peer: OllamaPeer, aside: str) -> None:
    spec = f"It reminds you to water your plants. {aside} You can share plants.\n"
    assert criteria(peer, spec) == [
        "It reminds you to water your plants.",
        "You can share plants.",
    ]


def test_a_story_that_says_what_is_not_needed_is_work(peer: OllamaPeer) -> None:
    spec = "# Check-in\nAs a passenger I want to use a code so that I don't need my passport.\n"
    assert len(criteria(peer, spec)) == 1


def test_a_summary_is_no_part_of_the_work(peer: OllamaPeer) -> None:
    spec = "# Bell\n> **TL;DR** One place to see who must wait.\n\n## Rings\nPush within 2 s.\n"
    assert criteria(peer, spec) == ["Push within 2 s."]
