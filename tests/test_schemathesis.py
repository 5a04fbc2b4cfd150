"""The running edge against its own OpenAPI document, as Schemathesis judges it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ollama_peer import OllamaPeer
from tests.stack import Caller, running

HERE = Path(__file__).parent


@pytest.mark.slow
def test_schemathesis_finds_no_deviation(peer: OllamaPeer, tmp_path: Path) -> None:
    """On an installation of its own, as it leaves a thousand jobs."""
    with running({"TASKFORGE_OLLAMA_URL": peer.url}, tmp_path) as stack:
        caller = stack.caller(max_queued=1_000_000)
        caller.wait(caller.submit())  # so that there is a result to find

        done = schemathesis(caller, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    for phase in ("Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in done.stdout, done.stdout


def schemathesis(caller: Caller, folder: Path) -> subprocess.CompletedProcess[str]:
    settings = str(HERE / "schemathesis.toml")
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", settings),
            *("run", f"{caller.stack.url}/openapi.json", "--no-color"),
            *("--header", f"Authorization: Bearer {caller.key}"),
        ],
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
