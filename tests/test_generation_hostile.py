"""Specs that are hardly texts: long lines of nothing, and nothing but short sentences."""

from collections.abc import Iterator

import pytest

from tests.generation import job, run
from tests.ollama_peer import SMALL, OllamaPeer


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


@pytest.mark.slow
def test_hundred_thousand_sentences_are_planned(peer: OllamaPeer) -> None:
    spec = "Ab. " * 100_000
    result = run(peer, job(spec), model=SMALL)
    assert len(result["tickets"]) == 50
