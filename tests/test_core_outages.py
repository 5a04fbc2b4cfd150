"""Core stops or cannot be heard while workers hold jobs: they keep them, report and come back."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.courier import Courier, delivery_of, ended_job
from tests.hands import Hands
from tests.ollama_peer import OllamaPeer
from tests.outages import asked, under_way
from tests.processes import free_port
from tests.proxy import Proxy
from tests.stack import Caller, Stack, running
from tests.storage import execute, identifier
from tests.waiting import eventually

# Most wait for longer than a lease.
pytestmark = pytest.mark.slow

LEASE_S = 4
BEAT_S = 1
SWEEP_S = 0.5
CALLBACK_TIMEOUT_S = 3
SLACK_S = 4  # for the machine, which is busy


@dataclass
class Site:
    """An installation whose worker and edge reach core through a proxy."""

    stack: Stack
    way: Proxy

    def losses(self, job_id: str) -> tuple[int, int]:
        """Failures and lease losses of a job."""
        [found] = execute(
            self.stack,
            "SELECT failures, lease_losses FROM jobs WHERE id = ?",
            identifier(self.stack, job_id),
        )
        return (found[0], found[1])


@pytest.fixture(scope="module")
def site(peer: OllamaPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    core = f"127.0.0.1:{free_port()}"
    with Proxy(core) as way:
        environ = {
            "TASKFORGE_OLLAMA_URL": peer.url,
            "TASKFORGE_CORE_BIND": core,
            "TASKFORGE_CORE_ADDR": core,
        }
        folder = tmp_path_factory.mktemp("core-outages")
        with running(environ, folder, rooms=("core", "edge")) as stack:
            stack.worker.environ["TASKFORGE_CORE_ADDR"] = way.address
            stack.worker.start()
            try:
                yield Site(stack, way)
            finally:
                stack.worker.stop()


@pytest.fixture
def caller(site: Site) -> Caller:
    return site.stack.caller()


def test_a_worker_keeps_its_job_while_core_is_away_for_longer_than_a_lease(
    site: Site, caller: Caller, peer: OllamaPeer
) -> None:
    job_id = under_way(caller, peer, "core-away")
    site.stack.core.kill()
    time.sleep(LEASE_S + 2)
    site.stack.core.start()

    peer.release("core-away")

    assert caller.wait(job_id)["status"] == "completed"
    assert site.losses(job_id) == (0, 0)
    assert asked(peer, "core-away") == 1


def test_a_job_that_ends_while_core_is_away_is_reported_when_it_is_back(
    site: Site, caller: Caller, peer: OllamaPeer
) -> None:
    job_id = under_way(caller, peer, "ends-meanwhile")
    site.stack.core.kill()
    peer.release("ends-meanwhile")
    time.sleep(LEASE_S + 2)
    site.stack.core.start()

    assert caller.wait(job_id)["status"] == "completed"
    assert site.losses(job_id) == (0, 0)
    assert asked(peer, "ends-meanwhile") == 1


def test_a_worker_keeps_its_job_while_core_is_killed_again_and_again(
    site: Site, caller: Caller, peer: OllamaPeer
) -> None:
    job_id = under_way(caller, peer, "core-unsteady")
    until = time.monotonic() + 3 * LEASE_S
    while time.monotonic() < until:
        site.stack.core.kill()
        time.sleep(BEAT_S)
        site.stack.core.start()
        time.sleep(2 * BEAT_S)

    peer.release("core-unsteady")

    assert caller.wait(job_id)["status"] == "completed"
    assert site.losses(job_id) == (0, 0)
    assert asked(peer, "core-unsteady") == 1


def test_a_worker_that_could_not_be_heard_for_less_than_a_lease_is_not_judged(
    idle_caller: Caller, hands: Hands
) -> None:
    held = hands.take(idle_caller.submit())
    time.sleep(BEAT_S)  # its next heartbeat is due
    with hands.stack.core.frozen():
        time.sleep(LEASE_S - BEAT_S + 0.2)  # the lease is over
    time.sleep(1)  # sweeps

    hands.beat(held)

    hands.complete(held)


def test_a_worker_keeps_its_callback_while_core_is_away(
    idle_caller: Caller, hands: Hands, courier: Courier
) -> None:
    job_id = ended_job(idle_caller, hands)
    parcel = courier.take()
    courier.stack.core.kill()
    time.sleep(LEASE_S + CALLBACK_TIMEOUT_S + 1)
    courier.stack.core.start()
    time.sleep(1)  # sweeps

    courier.report(parcel, 200)

    assert len(delivery_of(courier.stack, job_id).attempts) == 1


def test_an_absence_gives_no_lease_to_a_worker_that_was_lost_before(
    idle_caller: Caller, hands: Hands
) -> None:
    job_id = idle_caller.submit()
    hands.take(job_id)
    hands.stack.core.kill()
    run_out = "UPDATE jobs SET lease_expires_at = 1 WHERE id = ?"
    execute(hands.stack, run_out, identifier(hands.stack, job_id))
    time.sleep(LEASE_S)
    hands.stack.core.start()

    idle_caller.wait(job_id, until=["queued"], within_s=LEASE_S / 2)


def test_a_worker_lost_together_with_core_holds_its_job_for_a_lease_at_most(
    site: Site, caller: Caller, peer: OllamaPeer
) -> None:
    job_id = under_way(caller, peer, "both-lost")
    site.stack.worker.kill()
    site.stack.core.kill()
    time.sleep(2 * LEASE_S)
    site.stack.core.start()
    site.stack.worker.start()

    eventually(lambda: asked(peer, "both-lost") == 2, within_s=LEASE_S + SWEEP_S + SLACK_S)
    assert site.losses(job_id) == (0, 1)
    peer.release("both-lost")
    assert caller.wait(job_id)["status"] == "completed"


def test_a_frozen_worker_is_not_heard_once_its_job_runs_elsewhere(
    site: Site, caller: Caller, peer: OllamaPeer
) -> None:
    job_id = under_way(caller, peer, "frozen")
    with site.stack.worker.frozen():
        eventually(lambda: site.losses(job_id) == (0, 1))
    eventually(lambda: asked(peer, "frozen") == 2)  # the same worker, by another claim

    peer.release("frozen")

    assert caller.wait(job_id)["status"] == "completed"
    ends = "SELECT count(*) FROM job_events WHERE job_id = ? AND status = 'completed'"
    assert execute(site.stack, ends, identifier(site.stack, job_id)) == [(1,)]


def test_a_worker_whose_connection_is_deaf_finds_another(
    site: Site, caller: Caller, peer: OllamaPeer
) -> None:
    caller.wait(caller.submit())
    held = under_way(caller, peer, "deaf")

    site.way.swallow()
    # Longer than a heartbeat takes to fail, so that all that is in flight is lost.
    time.sleep(LEASE_S)
    site.way.heal()

    # The connection that was there stays deaf; asking on it would be in vain for ever.
    job_id = caller.submit()
    assert caller.wait(job_id, within_s=40)["status"] == "completed"
    peer.release("deaf")
    assert caller.wait(held, within_s=40)["status"] == "completed"
