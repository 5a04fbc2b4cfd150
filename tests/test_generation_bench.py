"""The bench of generation: both ways are run and judged alike, by any Ollama."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.generation_judge import coverage, requirements, twins
from tests.hands import result_document, ticket
from tests.ollama_peer import SMALL, OllamaPeer

SAMPLES = Path(__file__).resolve().parent.parent / "docs" / "samples"
SPEC = """# Returns

Shoppers must be able to return an item within 30 days.

| Reason | Photo |
| --- | --- |
| Damaged | yes |

- The portal should send a label by email.
- Open question

```
must = not_a_requirement_as_it_is_code(1, 2, 3)
```
"""


def test_it_runs_against_an_ollama_and_writes_what_it_found(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with OllamaPeer(models=(SMALL,)) as peer:
        peer.takes = lambda: 0.0
        sample = str(SAMPLES / "zeiterfassung.md")
        arguments = ["--url", peer.url, "--specs", sample, "--count", "4", "--json", str(report)]
        done = subprocess.run(
            [sys.executable, "-m", "bench.generation", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    counted, free, naive = json.loads(report.read_text())
    assert (counted["way"], free["way"], naive["way"]) == ("pipeline", "pipeline", "naive")
    assert len(counted["tickets"]) == counted["begun"] == 4
    assert counted["coverage"] > 0.5
    assert counted["completion_tokens"] == counted["written"] > 0
    assert bool(naive["problem"]) != bool(naive["tickets"])
    assert "| pipeline | 4 | 1 of 1 |" in done.stdout


def test_requirements_are_sentences_that_ask_for_something() -> None:
    assert requirements(SPEC) == [
        "Shoppers must be able to return an item within 30 days.",
        "The portal should send a label by email.",
    ]


def test_only_what_tickets_or_questions_speak_of_is_covered() -> None:
    result = result_document("0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11")
    wanted = requirements(SPEC)
    result["tickets"] = [ticket("SPEC-1", title="Add a shop", description="It sells shoes.")]
    result["open_questions"] = []
    assert coverage(wanted, result) == 0

    result["tickets"][0]["acceptance_criteria"] = ["Returns of items within 30 days by shoppers"]
    assert coverage(wanted, result) == 0.5

    result["open_questions"] = [{"question": "Does the portal send the label by email?"}]
    assert coverage(wanted, result) == 1


def test_titles_with_the_same_words_are_twins() -> None:
    assert twins(["Send the label", "Label: send the", "Send the label by email to shoppers"]) == 1


def test_growth_is_told_as_a_ratio_of_what_two_sizes_take() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.growth", "--kinds", "one word"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    kind, shorter, longer, ratio = done.stdout.splitlines()[-1].strip("| ").split(" | ")
    assert kind == "one word"
    assert float(ratio) == pytest.approx(float(longer) / float(shorter), rel=0.2)
