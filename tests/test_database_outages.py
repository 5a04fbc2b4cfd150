"""PostgreSQL restarts, stops, falls silent or turns read-only: what callers and jobs see."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import grpc
import psycopg2
import pytest
from taskforge.tickets.v1 import jobs_pb2

from core import postgres as connections
from tests.ollama_peer import OllamaPeer
from tests.outages import (
    JOBS,
    asked,
    assert_storage_error,
    burst,
    is_ready,
    once,
    reads,
    submits,
    under_way,
)
from tests.proxy import Proxy
from tests.refusals import reason_of, refused
from tests.servers import PostgresServer, own_postgres, own_redis
from tests.stack import Caller, Stack, running
from tests.storage import execute, identifier
from tests.waiting import eventually

LEASE_S = 4


@dataclass
class Site:
    """An installation whose database server may be stopped, and the way to it may be cut."""

    stack: Stack
    server: PostgresServer
    direct_url: str
    way: Proxy

    def execute(self, *statements: str) -> None:
        """Runs statements beside core, past the proxy."""
        with closing(psycopg2.connect(self.direct_url)) as connection:
            connection.autocommit = True
            for statement in statements:
                connection.cursor().execute(statement)

    def hang_up(self) -> None:
        """Ends every connection to the database; returns when core's side has heard of it."""
        ended = self.way.links()
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        eventually(lambda: not ended & self.way.links())

    def stop(self) -> None:
        assert self.server.process
        self.server.process.stop()

    def start(self) -> None:
        assert self.server.process
        self.server.process.start()


@pytest.fixture(scope="module")
def site(peer: OllamaPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with own_postgres() as server, own_redis() as queue:
        direct = server.create_database("outages")
        url = urlsplit(direct)
        with Proxy(f"127.0.0.1:{url.port}") as way:
            environ = {
                "TASKFORGE_OLLAMA_URL": peer.url,
                "TASKFORGE_DATABASE_URL": url._replace(netloc=f"postgres@{way.address}").geturl(),
                "TASKFORGE_QUEUE_URL": queue.fresh_url(),
            }
            with running(environ, tmp_path_factory.mktemp("outages")) as stack:
                yield Site(stack, server, direct, way)


@pytest.fixture
def caller(site: Site) -> Iterator[Caller]:
    """A client; the installation is the same processes after the test, and well."""
    pids = site.stack.core.pid, site.stack.worker.pid
    eventually(lambda: is_ready(site.stack))
    yield site.stack.caller()
    eventually(lambda: is_ready(site.stack))
    assert (site.stack.core.pid, site.stack.worker.pid) == pids
    assert site.stack.core.is_running
    assert site.stack.worker.is_running


def test_no_call_fails_for_connections_that_were_lost_before_it(site: Site, caller: Caller) -> None:
    assert burst(reads(caller)) == {200: 48}

    site.hang_up()

    assert burst(reads(caller)) == {200: 48}
    site.hang_up()
    assert burst(submits(caller)) == {202: 48}


def test_no_call_fails_after_a_restart(site: Site, caller: Caller) -> None:
    job_id = caller.submit()
    assert burst(reads(caller)) == {200: 48}

    site.stop()
    site.start()

    assert burst(submits(caller)) == {202: 48}
    assert caller.wait(job_id)["status"] == "completed"


def test_callers_are_told_at_once_while_it_is_stopped(site: Site, caller: Caller) -> None:
    job_id = caller.submit()
    site.stop()
    try:
        assert_storage_error(submits(caller), within_s=5)
        assert_storage_error(reads(caller), within_s=5)
        listing = jobs_pb2.ListTicketsJobsRequest()
        call = refused(site.stack.tickets.ListTicketsJobs, listing, caller.metadata)
        assert call.code() is grpc.StatusCode.UNAVAILABLE
        assert reason_of(site.stack.tickets.ListTicketsJobs, listing, caller.metadata) == (
            "STORAGE_ERROR"
        )
        eventually(lambda: not is_ready(site.stack))
    finally:
        site.start()

    eventually(lambda: is_ready(site.stack))
    assert burst(reads(caller)) == {200: 48}
    assert caller.wait(job_id)["status"] == "completed"


def test_a_core_that_is_started_meanwhile_ends_with_a_line_that_says_why(site: Site) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"

    ended = site.stack.run("serve", "core", TASKFORGE_DATABASE_URL=nowhere)

    assert ended.returncode == 1
    assert "TASKFORGE_DATABASE_URL: " in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_silent_database_holds_up_no_call_for_long(site: Site, caller: Caller) -> None:
    assert burst(reads(caller)) == {200: 48}

    site.way.swallow()
    try:
        assert_storage_error(reads(caller), within_s=15)
        # As many as there are threads to wait, and none waits for another.
        began = time.monotonic()
        assert burst(reads(caller), calls=16) == {500: 16}
        assert time.monotonic() - began < 15
        eventually(lambda: not is_ready(site.stack))
    finally:
        site.way.heal()

    eventually(lambda: is_ready(site.stack))
    # Every thread of core had a connection that is deaf for ever now.
    assert burst(submits(caller)) == {202: 48}


def test_a_lock_that_somebody_else_holds_ends_a_call_and_not_its_thread(
    site: Site, caller: Caller
) -> None:
    with closing(psycopg2.connect(site.direct_url)) as other:
        other.cursor().execute("UPDATE clients SET queued = queued WHERE name = %s", [caller.name])
        assert_storage_error(submits(caller), within_s=15)
        other.rollback()

    eventually(lambda: submits(caller)().status_code == 202)


def test_a_frozen_cores_locks_are_given_back(site: Site, caller: Caller) -> None:
    """PostgreSQL ends a transaction whose core says nothing more."""
    own = connections.parameters(site.direct_url, hurried=True)
    with closing(psycopg2.connect(site.direct_url, **own)) as frozen:
        frozen.cursor().execute("UPDATE clients SET queued = queued WHERE name = %s", [caller.name])

        eventually(lambda: submits(caller)().status_code == 202, within_s=20)


def test_a_database_that_turned_read_only_is_read_and_not_ready(site: Site, caller: Caller) -> None:
    job_id = caller.submit()
    caller.wait(job_id)
    name = urlsplit(site.direct_url).path.strip("/")
    site.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    site.hang_up()
    try:
        assert_storage_error(submits(caller), within_s=5)
        eventually(lambda: not is_ready(site.stack))
        assert once(caller, "GET", f"{JOBS}/{job_id}").status_code == 200
    finally:
        site.execute(
            "SET default_transaction_read_only = off",
            f'ALTER DATABASE "{name}" RESET default_transaction_read_only',
        )
        site.hang_up()

    eventually(lambda: is_ready(site.stack))
    assert burst(submits(caller)) == {202: 48}


@pytest.mark.slow
def test_a_worker_keeps_its_job_through_an_outage_longer_than_its_lease(
    site: Site, caller: Caller, peer: OllamaPeer
) -> None:
    job_id = under_way(caller, peer, "database-outage")
    site.stop()
    time.sleep(LEASE_S + 2)
    site.start()
    # The lease would be over by now, had no heartbeat told that all is well.
    time.sleep(LEASE_S + 2)

    peer.release("database-outage")

    assert caller.wait(job_id)["status"] == "completed"
    found = execute(
        site.stack,
        "SELECT failures, lease_losses FROM jobs WHERE id = ?",
        identifier(site.stack, job_id),
    )
    assert found == [(0, 0)]
    assert asked(peer, "database-outage") == 1
