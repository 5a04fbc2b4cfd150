"""What becomes of the jobs of a worker that dies or is stopped: they run elsewhere, soon."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.ollama_peer import OllamaPeer
from tests.stack import SPEC, Caller, Room, Stack
from tests.waiting import eventually

LEASE_AND_SWEEP_S = 4 + 0.5  # the stack's settings
# For the machine, which is busy.
SLACK_S = 4


@pytest.fixture
def elsewhere(stack: Stack) -> Iterator[Room]:
    """A second worker, not started yet."""
    room = Room("worker", stack.environ, stack.folder / "elsewhere.log", "jobs at once")
    yield room
    room.stop()
    stack.worker.start()


def held(peer: OllamaPeer, gate: str) -> int:
    """How many calls of the model have come to a gate."""
    return sum(f"hold {gate}" in json.dumps(body) for body in peer.chats())


def test_a_killed_workers_job_runs_again_within_lease_and_sweep(
    stack: Stack, caller: Caller, peer: OllamaPeer, elsewhere: Room
) -> None:
    gate = f"killed-{caller.key_id}"
    job_id = caller.submit(f"{SPEC} [[peer: hold {gate}]]")
    eventually(lambda: held(peer, gate))
    elsewhere.start()

    stack.worker.kill()

    eventually(lambda: held(peer, gate) == 2, within_s=LEASE_AND_SWEEP_S + SLACK_S)
    peer.release(gate)
    assert caller.wait(job_id)["status"] == "completed"


def test_a_drained_workers_job_runs_elsewhere_within_a_second(
    stack: Stack, caller: Caller, peer: OllamaPeer, elsewhere: Room
) -> None:
    gate = f"drained-{caller.key_id}"
    job_id = caller.submit(f"{SPEC} [[peer: hold {gate}]]")
    eventually(lambda: held(peer, gate))
    elsewhere.start()

    assert stack.worker.stop() == 0
    stopped_at = time.monotonic()

    eventually(lambda: held(peer, gate) == 2, within_s=5)
    assert time.monotonic() - stopped_at < 1
    peer.release(gate)
    assert caller.wait(job_id)["status"] == "completed"
