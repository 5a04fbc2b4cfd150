"""PostgreSQL and Redis over TLS, by the options of their URLs."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from taskforge.tickets.v1 import jobs_pb2

from tests.certificates import Authority
from tests.ollama_peer import OllamaPeer
from tests.servers import PostgresServer, RedisServer
from tests.stack import Stack, request, running
from tests.tls_front import tls_front
from tests.waiting import eventually


@pytest.fixture(scope="module")
def encrypted(
    authority: Authority, postgres_server: PostgresServer, redis_server: RedisServer
) -> Iterator[dict[str, str]]:
    """The URLs of a database and a queue that are reached over TLS only."""
    database, queue = postgres_server.create_database("tls"), redis_server.fresh_url()
    files = authority.issue("storage")
    with (
        tls_front(urlsplit(database).port or 0, *files, postgres=True) as database_port,
        tls_front(urlsplit(queue).port or 0, *files) as queue_port,
    ):
        name, number = urlsplit(database).path, urlsplit(queue).path
        yield {
            "TASKFORGE_DATABASE_URL": (
                f"postgresql://postgres@127.0.0.1:{database_port}{name}"
                f"?sslmode=verify-full&sslrootcert={authority.ca}"
            ),
            "TASKFORGE_QUEUE_URL": (
                f"rediss://127.0.0.1:{queue_port}{number}?ssl_ca_certs={authority.ca}"
            ),
        }


def test_a_job_is_done_with_its_storage_behind_tls(
    encrypted: dict[str, str], peer: OllamaPeer, tmp_path: Path
) -> None:
    environ = {**encrypted, "TASKFORGE_OLLAMA_URL": peer.url}
    with running(environ, tmp_path, rooms=("core", "worker")) as stack:
        caller = stack.caller()
        asked = jobs_pb2.TicketsJobSubmitRequest(**request())
        job_id = stack.tickets.SubmitTicketsJob(asked, metadata=caller.metadata).job_id
        wanted = jobs_pb2.GetTicketsJobRequest(job_id=job_id)

        def completed() -> bool:
            job = stack.tickets.GetTicketsJob(wanted, metadata=caller.metadata)
            return bool(job.status == jobs_pb2.JOB_STATUS_COMPLETED)

        assert eventually(completed)
        logs = stack.logs()
        assert "queue is away" not in logs
        assert "rate limits are counted per core" not in logs


def test_a_database_of_another_ca_is_not_trusted(
    encrypted: dict[str, str], authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    trusting = encrypted["TASKFORGE_DATABASE_URL"].replace(str(authority.ca), str(stranger.ca))
    done = Stack({"TASKFORGE_DATABASE_URL": trusting}, tmp_path).run("migrate")
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr


def test_a_queue_of_another_ca_is_not_trusted(
    encrypted: dict[str, str], authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    trusting = encrypted["TASKFORGE_QUEUE_URL"].replace(str(authority.ca), str(stranger.ca))
    checks = Stack({"TASKFORGE_QUEUE_URL": trusting}, tmp_path).run("doctor", "--quick").stdout
    (line,) = (line for line in checks.splitlines() if "queue:" in line)
    assert line.startswith("FAIL")
    assert "certificate verify failed" in line
