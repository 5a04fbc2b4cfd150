"""Epics and dependencies follow the chapters of a spec, with a small model."""

from collections.abc import Iterator

import pytest

from tests.generation import job, leaves, run, titles
from tests.ollama_peer import SMALL, OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def _chapter(name: str, parts: int) -> str:
    told = "".join(
        f"### {name} part {n}\n{name} shows list {n}. It must be sorted. It can be filtered.\n"
        for n in range(parts)
    )
    return f"## {name}\n{told}"


@pytest.mark.parametrize("title", ["# Hospital\n", ""])
def test_epics_are_chapters_and_named_for_them(peer: OllamaPeer, title: str) -> None:
    """Whether or not a title stands above them all, and however long each is."""
    chapters = {"Pharmacy": 2, "Kitchen": 7, "Transport": 4}
    spec = title + "".join(_chapter(name, parts) for name, parts in chapters.items())
    found = run(peer, job(spec, ticket_count=16), model=SMALL)["tickets"]
    epics = {one["external_id"]: one["title"] for one in found if one["ticket_type"] == "epic"}
    assert list(epics.values()) == list(chapters)
    for one in found[len(epics) :]:
        assert one["metadata"]["source_spans"]
        assert epics[one["parent_external_id"]].lower() in one["title"].lower()


def test_chapters_that_name_nothing_name_no_epic(peer: OllamaPeer) -> None:
    spec = (
        "# Search\n"
        + _chapter("Proposed design", 0)
        + "".join(
            f"### {name}\n{name} holds rows. They must be sorted. They can be filtered.\n"
            for name in ("Index", "Feed")
        )
    )
    spec += "## Rollout\n" + "".join(f"- Switch on region {n}\n- Watch it\n" for n in range(4))
    found = run(peer, job(spec, ticket_count=12), model=SMALL)["tickets"]
    epics = [one["title"] for one in found if one["ticket_type"] == "epic"]
    assert epics == ["Index and feed", "Rollout"]


def test_sections_wait_for_those_that_they_name_by_number(peer: OllamaPeer) -> None:
    spec = (
        "# Metering\n## 1 Intake\n### 1.1 Batches\nBatches are kept. They must be small.\n"
        "### 1.2 Events\nEvents are kept. They must be signed. Depends on 1.1.\n"
        "## 2 Billing\nIntake (section 1.2) must be live before billing starts. Files are hourly.\n"
    )
    found = leaves(peer, spec, ticket_count=3)
    assert [one["dependencies"] for one in found] == [[], ["SPEC-1"], ["SPEC-2"]]


def test_phases_in_one_ticket_are_carried_out(peer: OllamaPeer) -> None:
    spec = "# Move\n" + "".join(
        f"## Phase {n} - Part {n}\n- Copy table {n}\n- Check its sums\n" for n in (1, 2)
    )
    assert titles(peer, spec, ticket_count=1) == ["Carry out phase 1 - Part 1 and phase 2 - Part 2"]


@pytest.mark.parametrize("heading", ["Instrument set", "Read and list", "Read, list and sort"])
def test_only_verbs_in_a_row_are_done_to_what_stands_above(peer: OllamaPeer, heading: str) -> None:
    spec = (
        f"# Stock\n## Sterile goods\n### {heading}\nIt is shown. It is kept. It ends.\n"
        "### Limits\n50 requests per second. Bursts of 200 requests.\n"
    )
    (title, _) = titles(peer, spec, ticket_count=2)
    assert title.endswith("sterile goods") == (heading != "Instrument set")


def test_lines_without_marks_are_below_marked_headings(peer: OllamaPeer) -> None:
    """A numbered line or one in bold stands beside no chapter, and no chapter is empty for it."""
    spec = (
        "# Guide\n\n## 1. Player\n\n1. **Playback**\n   - Play and pause\n   - Skip\n"
        "2. **Speed**\n   - Half and double\n\n## 2. Rooms\nThe app must find the room.\n"
    )
    found = leaves(peer, spec)
    assert [one["metadata"]["component"] for one in found] == ["Player", "Player", "Rooms"]
    assert "Player" not in [text for one in found for text in one["acceptance_criteria"]]
