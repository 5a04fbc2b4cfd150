"""What becomes of the jobs of a worker that dies or is stopped: they run elsewhere, soon."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import storage
from tests.ollama_peer import OllamaPeer
from tests.stack import SPEC, Caller, Room, Stack, running
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


@pytest.mark.slow
def test_it_does_so_though_core_is_killed_again_and_again(
    stack: Stack, caller: Caller, peer: OllamaPeer, elsewhere: Room
) -> None:
    gate = f"unsteady-{caller.key_id}"
    job_id = caller.submit(f"{SPEC} [[peer: hold {gate}]]")
    eventually(lambda: held(peer, gate))
    elsewhere.start()
    stack.worker.kill()
    killed_at, core_away_s = time.monotonic(), 0.0

    while held(peer, gate) < 2:
        core_away_s += restart(stack.core)
        time.sleep(1)
        within_s = LEASE_AND_SWEEP_S + core_away_s + SLACK_S
        assert time.monotonic() - killed_at < within_s

    peer.release(gate)
    assert caller.wait(job_id)["status"] == "completed"


def restart(room: Room) -> float:
    """Kills a process and starts it again; returns how many seconds it was away."""
    began = time.monotonic()
    room.kill()
    room.start()
    return time.monotonic() - began


@pytest.fixture
def unswept(
    backend: str, peer: OllamaPeer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    """An installation whose sweeper comes too late to have done what is waited for."""
    environ = {
        "TASKFORGE_OLLAMA_URL": peer.url,
        "TASKFORGE_SWEEP_S": "60",
        "TASKFORGE_LEASE_S": "50",
        **storage(backend, request),
    }
    with running(environ, tmp_path) as started:
        yield started


def test_a_drained_workers_job_runs_elsewhere_within_a_second(
    unswept: Stack, peer: OllamaPeer
) -> None:
    caller = unswept.caller()
    gate = f"drained-{caller.key_id}"
    job_id = caller.submit(f"{SPEC} [[peer: hold {gate}]]")
    eventually(lambda: held(peer, gate))
    elsewhere = Room("worker", unswept.environ, unswept.folder / "elsewhere.log", "jobs at once")
    elsewhere.start()
    try:
        unswept.worker.send(signal.SIGTERM)
        # Its idle threads may get wake-ups for a second yet, and have to pass them on.
        for _ in range(6):
            assert caller.wait(caller.submit(), within_s=5)["status"] == "completed"
        assert unswept.worker.stop() == 0
        stopped_at = time.monotonic()

        eventually(lambda: held(peer, gate) == 2, within_s=5)
        assert time.monotonic() - stopped_at < 1
        peer.release(gate)
        assert caller.wait(job_id)["status"] == "completed"
    finally:
        elsewhere.stop()
        unswept.worker.start()


def test_a_retry_runs_as_soon_as_its_delay_is_over(unswept: Stack, peer: OllamaPeer) -> None:
    caller = unswept.caller()
    job_id = caller.submit(f"{SPEC} [[peer: fail-once {caller.key_id}]]")

    assert caller.wait(job_id, within_s=10)["status"] == "completed"


def test_a_worker_that_comes_later_uses_all_its_slots(unswept: Stack, peer: OllamaPeer) -> None:
    caller = unswept.caller()
    unswept.worker.stop()
    gate = f"later-{caller.key_id}"
    job_ids = [caller.submit(f"{SPEC} [[peer: hold {gate}]]") for _ in range(4)]

    unswept.worker.start()

    eventually(lambda: held(peer, gate) == 4, within_s=10)
    peer.release(gate)
    assert {caller.wait(job_id)["status"] for job_id in job_ids} == {"completed"}
