"""Settings of the worker and of threads do what `docs/settings.md` says, given as variables."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import grpc
import pytest
import requests
from taskforge.tickets.v1 import jobs_pb2

from tests.certificates import Authority
from tests.courier import DELIVERED, delivery_of, submit
from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from tests.receiver import Exchange, Receiver
from tests.stack import SPEC, Caller, Stack, request, running
from tests.waiting import eventually

JOBS = "/tickets/v1/jobs"


@pytest.fixture(scope="module")
def tuned(
    peer: OllamaPeer, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """An installation with none of these settings at its default."""
    environ = {
        "TASKFORGE_OLLAMA_URL": peer.url,
        "TASKFORGE_OLLAMA_MODEL": SMALL,
        "TASKFORGE_PROFILE": "freeform",
        "TASKFORGE_GENERATION_TIMEOUT_S": "2",
        "TASKFORGE_MAX_ATTEMPTS": "1",
        "TASKFORGE_CALLBACK_THREADS": "1",
        "TASKFORGE_CORE_THREADS": "2",
        "TASKFORGE_EDGE_THREADS": "3",
        **authority.callbacks(),
    }
    with running(environ, tmp_path_factory.mktemp("tuned")) as started:
        yield started


# The model


def test_the_model_that_is_named_is_asked(tuned: Stack, peer: OllamaPeer) -> None:
    """It would be the first installed one, were none named."""
    assert peer.models[0] == LARGE
    caller = tuned.caller()
    job_id = caller.submit()
    caller.wait(job_id)

    assert caller.get(f"{JOBS}/{job_id}/result").json()["generation"]["model"] == SMALL


def test_the_profile_that_is_named_outranks_the_models_size(tuned: Stack) -> None:
    """It would be `extractive`, for a model so small."""
    caller = tuned.caller()
    job_id = caller.submit()
    caller.wait(job_id)

    shown = tuned.run("jobs", "provenance", job_id)
    assert "freeform" in shown.stdout + shown.stderr
    assert "extractive" not in shown.stdout + shown.stderr


def test_an_attempt_that_takes_too_long_is_over(tuned: Stack) -> None:
    caller = tuned.caller()

    # One attempt is all that it gets here. By default it would last for ten minutes.
    job = caller.wait(caller.submit(f"{SPEC} [[peer: hang]]"))

    assert (job["status"], job["error"]["code"]) == ("failed", "model_timeout")


# Threads


def test_a_worker_delivers_as_many_callbacks_at_once_as_it_has_threads(
    tuned: Stack, authority: Authority
) -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def reply(exchange: Exchange) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.1)
        with lock:
            at_once -= 1
        exchange.answer(204)

    with Receiver(authority.server_context("localhost")) as receiver:
        receiver.always = reply
        jobs = [submit(tuned.caller(), receiver.url()) for _ in range(6)]
        eventually(lambda: all(is_delivered(tuned, job_id) for job_id in jobs))

    assert most == 1


def is_delivered(stack: Stack, job_id: str) -> bool:
    return delivery_of(stack, job_id).status == DELIVERED


def test_core_handles_as_many_calls_at_once_as_it_has_threads(tuned: Stack) -> None:
    caller = tuned.caller()

    def is_answered() -> bool:
        """A call that reads, and so waits for no lock."""
        request = jobs_pb2.ListTicketsJobsRequest()
        try:
            tuned.tickets.ListTicketsJobs(request, metadata=caller.metadata, timeout=0.5)
        except grpc.RpcError:
            return False
        return True

    assert is_answered()
    with waiting_submits(caller, 2) as answers:
        eventually(lambda: not is_answered())

    assert [answer.status_code for answer in answers] == [202, 202]
    eventually(is_answered)


def test_the_edge_handles_as_many_requests_at_once_as_it_has_threads(tuned: Stack) -> None:
    def is_answered() -> bool:
        """A request that the edge answers by itself."""
        try:
            return requests.get(f"{tuned.url}/healthz", timeout=0.5).ok
        except requests.Timeout:
            return False

    assert is_answered()
    with waiting_submits(tuned.caller(), 3) as answers:
        eventually(lambda: not is_answered())

    assert [answer.status_code for answer in answers] == [202] * 3
    assert is_answered()


@contextmanager
def waiting_submits(caller: Caller, count: int) -> Iterator[list[requests.Response]]:
    """Submits that wait within it, for the database's one write lock; their answers, after it."""
    answers: list[requests.Response] = []
    with ThreadPoolExecutor(count) as threads:
        with closing(sqlite3.connect(caller.stack.folder / "taskforge.db", timeout=10)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            asked = [threads.submit(another_submit, caller) for _ in range(count)]
            yield answers
        answers += [one.result() for one in asked]


def another_submit(caller: Caller) -> requests.Response:
    """Over a connection of its own."""
    return Caller(caller.stack, caller.name, caller.client_id, caller.key_id, caller.key).post(
        request()
    )
