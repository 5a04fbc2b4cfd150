"""Redis stops, falls silent or forgets everything: submits go on, and no job is forgotten."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from redis import Redis

from tests.ollama_peer import OllamaPeer
from tests.outages import burst, reads, submits
from tests.proxy import Proxy
from tests.servers import RedisServer, own_redis
from tests.stack import Caller, Stack, running
from tests.waiting import eventually


@dataclass
class Site:
    """An installation whose queue server may be stopped, and the way to it may be cut."""

    stack: Stack
    server: RedisServer
    way: Proxy


@pytest.fixture(scope="module")
def site(peer: OllamaPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with own_redis() as server:
        url = urlsplit(server.fresh_url())
        with Proxy(f"127.0.0.1:{url.port}") as way:
            environ = {
                "TASKFORGE_OLLAMA_URL": peer.url,
                "TASKFORGE_QUEUE_URL": url._replace(netloc=way.address).geturl(),
            }
            with running(environ, tmp_path_factory.mktemp("queue-outages")) as stack:
                yield Site(stack, server, way)


@pytest.fixture
def caller(site: Site) -> Caller:
    return site.stack.caller()


def test_a_queue_that_is_stopped_costs_no_submit_and_few_words(site: Site, caller: Caller) -> None:
    assert site.server.process
    told = len(site.stack.worker.log.read_text())
    site.server.process.stop()
    try:
        assert burst(submits(caller)) == {202: 48}
        job_id = caller.submit()
        assert caller.job(job_id)["stage"] == "accepted"
    finally:
        site.server.process.start()

    assert caller.wait(job_id)["status"] == "completed"

    def said() -> str:
        return site.stack.worker.log.read_text()[told:]

    # Once for each of the two queues, however many threads there are and however long it takes.
    eventually(lambda: said().count(" is back") == 2)
    assert said().count(" is away and will be asked again") == 2
    assert "Traceback" not in said()


@pytest.mark.slow
def test_a_silent_queue_costs_no_submit(site: Site, caller: Caller) -> None:
    caller.wait(caller.submit())  # connections are there

    site.way.swallow()
    try:
        began = time.monotonic()
        assert burst(submits(caller)) == {202: 48}
        assert burst(reads(caller)) == {200: 48}
        assert time.monotonic() - began < 20
        job_id = caller.submit()
    finally:
        site.way.heal()

    assert caller.wait(job_id, within_s=60)["status"] == "completed"


def test_a_queue_that_forgets_everything_is_filled_again(site: Site, caller: Caller) -> None:
    site.stack.worker.stop()
    jobs = [caller.submit() for _ in range(20)]

    Redis.from_url(site.server.url).flushall()
    site.stack.worker.start()

    assert {caller.wait(job_id)["status"] for job_id in jobs} == {"completed"}
