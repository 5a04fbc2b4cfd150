"""`make demo` for real: the embedded model, every process, the sample spec."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tickets.validation import result_problems

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "docs" / "samples" / "returns-portal.md"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_make_demo_turns_the_sample_spec_into_tickets() -> None:
    ran = subprocess.run(
        ["make", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=500, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    place = re.search(r"\S+\.json", ran.stdout)
    assert place, ran.stdout
    result = json.loads((ROOT / place[0]).read_text())
    assert result_problems(result) == []
    titles = [ticket["title"] for ticket in result["tickets"]]
    assert len(set(titles)) == len(titles)
    assert all(title in ran.stdout for title in titles)
    assert result["source"]["title"] == SAMPLE.read_text().splitlines()[0].lstrip("# ")
    spec = set(re.findall(r"[a-z]{4,}", SAMPLE.read_text().lower()))
    speaking = [title for title in titles if spec & set(re.findall(r"[a-z]{4,}", title.lower()))]
    assert len(speaking) == len(titles)
