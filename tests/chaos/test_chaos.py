"""A bounded run of the chaos; `make chaos` does a long one."""

import random
from pathlib import Path

import pytest

from tests.chaos.chaos import BACKENDS, torment

KILLS = 25


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_accepted_job_is_finished_once_whatever_dies(backend: str, tmp_path: Path) -> None:
    report = torment(backend, tmp_path, kills=KILLS, seed=random.randrange(1_000_000))

    print(report.text())  # noqa: T201 - shown with -rP or -s
    assert not report.verdict.wrongs, report.text()
    assert report.verdict.counts["lost"] == report.verdict.counts["duplicated"] == 0
    assert report.verdict.counts["completed"] > 0
