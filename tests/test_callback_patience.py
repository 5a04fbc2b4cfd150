"""Receivers that take calls and never answer, and who has to wait for them: nobody."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.certificates import Authority
from tests.conftest import storage
from tests.courier import DELIVERED, delivery_of, hurry, submit
from tests.ollama_peer import OllamaPeer
from tests.receiver import Receiver
from tests.stack import Caller, Stack, running
from tests.waiting import eventually

TIMEOUT_S = 6
THREADS = 16
DEAD = 14


@pytest.fixture
def calling(
    backend: str,
    peer: OllamaPeer,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Stack]:
    """An installation that may call this machine, and trusts our authority."""
    environ = {
        "TASKFORGE_OLLAMA_URL": peer.url,
        **authority.callbacks(),
        "TASKFORGE_CALLBACK_TIMEOUT_S": str(TIMEOUT_S),
        **getattr(request, "param", {}),
        "TASKFORGE_DRAIN_S": "1",
        **storage(backend, request),
    }
    with running(environ, tmp_path_factory.mktemp("calling")) as started:
        yield started


@pytest.fixture
def dead() -> Iterator[list[str]]:
    """The addresses of receivers that are connected to and say nothing."""
    with ExitStack() as opened:
        sockets = [
            opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
            for _ in range(DEAD)
        ]
        yield [f"https://localhost:{sock.getsockname()[1]}/hook" for sock in sockets]


def test_dead_receivers_of_many_clients_hold_up_nobody_else(
    calling: Stack, dead: list[str], receiver: Receiver
) -> None:
    waiting = [submitted(calling.caller(), url) for url in dead for _ in range(3)]

    assert wait_s(calling, submitted(calling.caller(), receiver.url())) < TIMEOUT_S / 2

    # The same once they are known to fail, and all that they have missed is due again.
    eventually(lambda: attempts(calling, waiting) >= DEAD)
    for job_id in waiting:
        hurry(calling, job_id)
    assert wait_s(calling, submitted(calling.caller(), receiver.url())) < TIMEOUT_S / 2


@pytest.mark.parametrize(
    "calling", [{"TASKFORGE_CALLBACK_THREADS": str(THREADS)}], indirect=True, ids=["few threads"]
)
def test_more_dead_receivers_than_threads_hold_up_none_that_is_known_to_answer(
    calling: Stack, dead: list[str], receiver: Receiver
) -> None:
    caller = calling.caller()
    wait_s(calling, submitted(caller, receiver.url()))
    assert DEAD * 2 > THREADS
    for url in dead:
        for _ in range(2):
            submitted(calling.caller(), url)

    assert wait_s(calling, submitted(caller, receiver.url())) < TIMEOUT_S / 2


def test_dead_receivers_of_one_client_do_not_hold_up_its_others(
    calling: Stack, dead: list[str], receiver: Receiver
) -> None:
    caller = calling.caller()
    for url in dead:
        submitted(caller, url)

    assert wait_s(calling, submitted(caller, receiver.url())) < TIMEOUT_S / 2


def submitted(caller: Caller, url: str) -> str:
    """A job that has ended, so that its callback is due."""
    job_id = submit(caller, url)
    caller.wait(job_id)
    return job_id


def wait_s(stack: Stack, job_id: str) -> float:
    """How long after the end of a job its callback was delivered, at the first attempt."""
    eventually(lambda: delivery_of(stack, job_id).status == DELIVERED)
    delivery = delivery_of(stack, job_id)
    [attempt] = delivery.attempts
    waited = attempt.ended_at.ToDatetime() - delivery.created_at.ToDatetime()
    return waited.total_seconds()


def attempts(stack: Stack, jobs: list[str]) -> int:
    """How many attempts at the jobs' callbacks have ended."""
    return sum(len(delivery_of(stack, job_id).attempts) for job_id in jobs)
