"""What tests of outages ask of an installation: many calls at once, readiness, a job under way."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import requests

from tests.ollama_peer import OllamaPeer
from tests.refusals import assert_refused
from tests.stack import SPEC, Caller, Stack, request
from tests.waiting import eventually

JOBS = "/tickets/v1/jobs"


def is_ready(stack: Stack) -> bool:
    return requests.get(f"{stack.url}/readyz", timeout=30).status_code == 200


def burst(ask: Callable[[], requests.Response], calls: int = 48) -> Counter[int]:
    """The statuses of many calls that are made at once, on all of core's threads."""
    with ThreadPoolExecutor(16) as threads:
        answers = [threads.submit(ask) for _ in range(calls)]
        return Counter(answer.result().status_code for answer in answers)


def submits(caller: Caller) -> Callable[[], requests.Response]:
    return lambda: once(caller, "POST", JOBS, json=request())


def reads(caller: Caller) -> Callable[[], requests.Response]:
    return lambda: once(caller, "GET", JOBS)


def once(caller: Caller, method: str, path: str, **options: object) -> requests.Response:
    """A call over a connection of its own, from any thread."""
    headers = {"Authorization": f"Bearer {caller.key}"}
    return requests.request(
        method,
        caller.stack.url + path,
        headers=headers,
        timeout=60,
        **options,  # type: ignore[arg-type] # such as json=
    )


def assert_storage_error(ask: Callable[[], requests.Response], *, within_s: float) -> None:
    """Expects the refusal that a fault of the storage means, and soon."""
    began = monotonic()
    assert_refused(ask(), 500, "storage_error")
    assert monotonic() - began < within_s


def under_way(caller: Caller, peer: OllamaPeer, name: str) -> str:
    """Submits a job; returns when its model holds the answer, until `peer.release(name)`."""
    job_id = caller.submit(spec=f"{SPEC}\n\n[[peer: hold {name}]]")
    eventually(lambda: asked(peer, name))
    return job_id


def asked(peer: OllamaPeer, name: str) -> int:
    """How often the model was asked for the job that it holds under a name."""
    return sum(f"hold {name}]]" in str(body["messages"]) for body in peer.chats())
