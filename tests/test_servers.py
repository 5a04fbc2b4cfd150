"""The servers that tests start are real, empty where they say so, and never outlive the tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from redis import Redis

from tests import processes, servers
from tests.processes import ServerError
from tests.servers import PostgresServer, RedisServer, _readable

ROOT = Path(__file__).resolve().parent.parent
# Starts both, says where they are, and waits to be killed.
HOLDER = """
from tests import servers
with servers.own_postgres() as postgres, servers.own_redis() as redis:
    print(postgres.url, redis.url, flush=True)
    input()
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with servers.own_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with servers.own_redis() as server:
        yield server


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def tables(url: str) -> list[str]:
    listed = ask(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [name for (name,) in listed]


def test_postgres_answers(postgres: PostgresServer) -> None:
    assert ask(postgres.url, "SELECT version()")[0][0].startswith("PostgreSQL")


def test_a_new_database_is_empty(postgres: PostgresServer) -> None:
    first, second = postgres.create_database(), postgres.create_database()
    ask(first, "CREATE TABLE note (id int)")
    assert tables(first) == ["note"]
    assert tables(second) == []


def test_a_database_can_be_copied(postgres: PostgresServer) -> None:
    first = postgres.create_database("template")
    ask(first, "CREATE TABLE note (id int)")
    assert tables(postgres.create_database(template=first)) == ["note"]


def test_a_database_is_dropped_while_in_use(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    with closing(psycopg2.connect(url)):
        postgres.drop_database(url)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        psycopg2.connect(url)


def test_postgres_restarts_in_place_and_keeps_its_data(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    ask(url, "CREATE TABLE note (id int)")
    assert postgres.process
    postgres.process.restart()
    assert tables(url) == ["note"]


def test_a_named_server_is_used_and_left_clean(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(servers.PG_VARIABLE, postgres.url)
    before = ask(postgres.url, "SELECT count(*) FROM pg_database")
    with servers.postgres() as named:
        assert named.url == postgres.url
        assert named.process is None
        assert tables(named.create_database()) == []
    assert ask(postgres.url, "SELECT count(*) FROM pg_database") == before


def test_redis_answers(redis: RedisServer) -> None:
    assert Redis.from_url(redis.url).ping()


def test_a_fresh_redis_database_is_empty(redis: RedisServer) -> None:
    first = Redis.from_url(redis.fresh_url())
    first.set("key", "value")
    second = Redis.from_url(redis.fresh_url())
    assert first.dbsize() == 1
    assert second.dbsize() == 0


def test_a_named_redis_is_used(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(servers.REDIS_VARIABLE, redis.url)
    with servers.redis() as named:
        assert (named.url, named.process) == (redis.url, None)


def test_nothing_is_left_after_an_orderly_end() -> None:
    before = folders_of(os.getpid())
    with servers.own_postgres() as postgres, servers.own_redis() as redis:
        assert folders_of(os.getpid()) > before
    assert folders_of(os.getpid()) == before
    assert refuses(postgres.url)
    assert refuses(redis.url)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_they_die_with_a_run_that_is_killed() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout
        urls = holder.stdout.readline().split()
        assert len(urls) == 2
        holder.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not all(refuses(url) for url in urls):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # What a killed run leaves is cleared by the next.
    with servers.own_redis():
        pass
    assert not folders_of(holder.pid)


def test_programs_in_a_closed_folder_are_copied(tmp_path: Path) -> None:
    wheel, copy = tmp_path / "wheel", tmp_path / "copy"
    programs = wheel / "package" / "install" / "bin"
    for folder in (programs, wheel / "package.libs", copy):
        folder.mkdir(parents=True)
    wheel.chmod(0o700)
    found = _readable(programs, copy, uid=os.geteuid() + 1)
    assert found == copy / "package" / "install" / "bin"
    assert found.is_dir()
    assert (copy / "package.libs").is_dir()


def test_files_go_to_disk_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PLENTY_BYTES", 2**63)
    assert processes.memory() == processes.disk()


def test_a_missing_server_is_a_clear_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(servers.REDIS_VARIABLE, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServerError, match="make install"), servers.redis():
        pass


def test_a_program_that_fails_is_quoted(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.servers._redis_command", lambda program, *_: [str(program), "--nonsense", "1"]
    )
    with pytest.raises(ServerError, match="nonsense"), servers.own_redis():
        pass


def folders_of(pid: int) -> set[Path]:
    return {
        folder
        for place in (processes.disk(), processes.memory())
        for folder in place.glob(f"{processes.FOLDER_PREFIX}{pid}-*")
    }


def refuses(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname or "", address.port or 0)) != 0


def test_a_free_port_is_none_that_the_system_gives_away_meanwhile() -> None:
    given_away = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert processes.free_port() < int(given_away[0])


def test_a_free_port_is_nobody_elses() -> None:
    ours = processes.free_port()
    theirs = f"from tests import processes; print(processes._claim({ours}))"
    done = subprocess.run(
        [sys.executable, "-c", theirs], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
