"""After an outage longer than workers are remembered for, jobs run at once on all their slots."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import storage
from tests.ollama_peer import OllamaPeer
from tests.outages import asked
from tests.stack import SPEC, Caller, Stack, running
from tests.storage import execute
from tests.waiting import eventually

SLOTS = 4
SWEEP_S = 60


@pytest.fixture
def stack(
    backend: str, peer: OllamaPeer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    """An installation that sweeps when it starts, and then not before this test is over."""
    environ = {
        "TASKFORGE_OLLAMA_URL": peer.url,
        "TASKFORGE_WORKERS": str(SLOTS),
        "TASKFORGE_SWEEP_S": str(SWEEP_S),
        **storage(backend, request),
    }
    with running(environ, tmp_path) as started:
        yield started


def test_a_core_that_was_long_away_wakes_all_slots(
    stack: Stack, peer: OllamaPeer, backend: str
) -> None:
    before, after = f"before-{backend}", f"after-{backend}"
    caller = stack.caller()
    running_jobs = held(caller, before)
    eventually(lambda: asked(peer, before) == SLOTS)
    waiting = held(caller, after)
    # Not to be claimed before the outage.
    execute(stack, "UPDATE jobs SET available_at = expires_at WHERE status = 'queued'")
    peer.release(before)
    for job_id in running_jobs:
        caller.wait(job_id)

    stack.core.stop()
    execute(stack, "UPDATE jobs SET available_at = 1 WHERE status = 'queued'")
    execute(stack, "UPDATE workers SET seen_at = seen_at - 120000000")
    # Its first sweep is over before the worker has found it.
    stack.core.start()

    eventually(lambda: asked(peer, after) == SLOTS, within_s=SWEEP_S / 2)
    peer.release(after)
    assert {caller.wait(job_id)["status"] for job_id in waiting} == {"completed"}


def held(caller: Caller, name: str) -> list[str]:
    """A job for each slot, which the model holds until the name is released."""
    return [caller.submit(f"{SPEC} [[peer: hold {name}]]") for _ in range(SLOTS)]
