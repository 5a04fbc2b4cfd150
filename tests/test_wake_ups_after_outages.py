"""After an outage longer than workers are remembered for, jobs run at once on all their slots."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import storage
from tests.ollama_peer import OllamaPeer
from tests.outages import asked
from tests.stack import SPEC, Stack, running
from tests.storage import execute
from tests.waiting import eventually
from worker.queue import JOBS, open_queue

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
    name = f"long-away-{backend}"
    caller = stack.caller()
    caller.wait(caller.submit())
    with stack.worker.frozen():
        jobs = [caller.submit(f"{SPEC} [[peer: hold {name}]]") for _ in range(SLOTS)]
        stack.core.stop()
        forget_wake_ups(stack)
        execute(stack, "UPDATE workers SET seen_at = 1")
        # Its first sweep finds no worker there.
        stack.core.start()
        eventually(lambda: waiting(stack))

    eventually(lambda: asked(peer, name) == SLOTS, within_s=SWEEP_S / 2)

    peer.release(name)
    assert {caller.wait(job_id)["status"] for job_id in jobs} == {"completed"}


def forget_wake_ups(stack: Stack) -> None:
    queue, _ = open_queue(queue_url(stack), JOBS, on_wake=lambda: None, patience_s=2)
    queue.flush()


def waiting(stack: Stack) -> int:
    """How many wake-ups nobody has taken."""
    queue, _ = open_queue(queue_url(stack), JOBS, on_wake=lambda: None, patience_s=2)
    return int(queue.pending_count())


def queue_url(stack: Stack) -> str:
    return stack.environ.get("TASKFORGE_QUEUE_URL") or f"sqlite:///{stack.folder / 'queue.db'}"
