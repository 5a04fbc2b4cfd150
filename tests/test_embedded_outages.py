"""The embedded default's files: a full disk, a read-only or a locked file, a queue that is away."""

import resource
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.ollama_peer import OllamaPeer
from tests.outages import JOBS, assert_storage_error, burst, is_ready, once, reads, submits
from tests.small_disk import SmallDisk, small_disk
from tests.stack import Caller, Stack, running
from tests.waiting import eventually


@pytest.fixture(scope="module")
def site(peer: OllamaPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("embedded-outages")
    with running({"TASKFORGE_OLLAMA_URL": peer.url}, folder) as stack:
        yield stack


@pytest.fixture
def caller(site: Stack) -> Iterator[Caller]:
    """A client; the installation is the same processes after the test, and well."""
    pid = site.core.pid
    eventually(lambda: is_ready(site))
    yield site.caller()
    assert site.core.is_running
    assert site.core.pid == pid


@contextmanager
def no_room(stack: Stack) -> Iterator[None]:
    """Within it core cannot write beyond the first page of any file."""
    if sys.platform != "linux":
        pytest.skip("only Linux can limit a process that runs")
    before = resource.prlimit(stack.core.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(stack.core.pid, resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.prlimit(stack.core.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Within it somebody else writes to an SQLite file, and takes their time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def assert_reads_but_does_not_write(caller: Caller, job_id: str) -> None:
    assert_storage_error(submits(caller), within_s=5)
    assert once(caller, "GET", f"{JOBS}/{job_id}").status_code == 200
    eventually(lambda: not is_ready(caller.stack))
    assert_storage_error(submits(caller), within_s=5)


def assert_well_again(caller: Caller, job_id: str) -> None:
    eventually(lambda: is_ready(caller.stack))
    assert burst(submits(caller)) == {202: 48}
    assert burst(reads(caller)) == {200: 48}
    assert caller.wait(job_id)["status"] == "completed"


def test_a_database_that_cannot_grow(caller: Caller) -> None:
    job_id = caller.submit()

    with no_room(caller.stack):
        assert_reads_but_does_not_write(caller, job_id)

    assert_well_again(caller, job_id)


def test_a_full_disk(peer: OllamaPeer, tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk") as disk,
        running({"TASKFORGE_OLLAMA_URL": peer.url}, disk.folder) as stack,
    ):
        caller = stack.caller()
        job_id = caller.submit()
        eventually(lambda: is_ready(stack))
        pid = stack.core.pid

        disk.fill()
        assert_full(disk, caller, job_id)
        disk.free()

        assert_well_again(caller, job_id)
        assert stack.core.is_running
        assert stack.core.pid == pid


def assert_full(disk: SmallDisk, caller: Caller, job_id: str) -> None:
    """Small writes may still find room in what the files have already."""

    def refused() -> bool:
        disk.fill()
        return submits(caller)().status_code == 500

    eventually(refused)
    assert once(caller, "GET", f"{JOBS}/{job_id}").status_code == 200


@pytest.mark.slow
def test_a_locked_database_is_not_waited_for_for_long(caller: Caller) -> None:
    job_id = caller.submit()
    caller.wait(job_id)

    with locked(caller.stack.folder / "taskforge.db"):
        assert_storage_error(submits(caller), within_s=20)
        assert once(caller, "GET", f"{JOBS}/{job_id}").status_code == 200

    assert_well_again(caller, job_id)


def test_a_locked_queue_costs_no_submit(caller: Caller) -> None:
    with locked(caller.stack.folder / "queue.db"):
        began = time.monotonic()
        assert burst(submits(caller)) == {202: 48}
        assert time.monotonic() - began < 15
        job_id = caller.submit()

    assert caller.wait(job_id)["status"] == "completed"


def test_a_full_queue_disk_costs_no_submit(peer: OllamaPeer, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        environ = {
            "TASKFORGE_OLLAMA_URL": peer.url,
            "TASKFORGE_QUEUE_URL": f"sqlite:///{disk.folder / 'queue.db'}",
        }
        folder = tmp_path / "data"
        folder.mkdir()
        with running(environ, folder) as stack:
            caller = stack.caller()
            disk.fill()
            # With no worker to take them out, wake-ups need more room with each.
            stack.worker.stop()
            assert burst(submits(caller)) == {202: 48}
            stack.worker.start()
            job_id = caller.submit()
            disk.free()

            assert caller.wait(job_id)["status"] == "completed"


def test_a_read_only_database_is_served_as_far_as_it_goes(tmp_path: Path) -> None:
    """The files of another user, as after a restore by hand."""
    with running({}, tmp_path, rooms=("core", "edge")) as stack:
        caller = stack.caller()
        job_id = caller.submit()
        stack.core.stop()
        # Root may write anything, so core is started without root's right to.
        stack.core.powerless = True
        with read_only(tmp_path / "taskforge.db"):
            stack.core.start()
            eventually(lambda: reads(caller)().status_code == 200)
            assert not is_ready(stack)
            assert_reads_but_does_not_write(caller, job_id)

        eventually(lambda: is_ready(stack))
        assert burst(submits(caller)) == {202: 48}


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Within it nobody but root may write to a file."""
    path.chmod(0o444)
    try:
        yield
    finally:
        path.chmod(0o644)


def test_a_queue_that_is_deleted_is_made_again(site: Stack) -> None:
    caller = site.caller()
    site.core.kill()
    for path in site.folder.glob("queue.db*"):
        path.unlink()
    site.core.start()

    for _ in range(2):
        assert caller.wait(caller.submit(), within_s=10)["status"] == "completed"
    (site.folder / "queue.db").unlink()
    assert caller.wait(caller.submit(), within_s=10)["status"] == "completed"
