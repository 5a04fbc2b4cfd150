"""The installation that the monkey torments: its processes, what lies between, who revives it."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.ollama_peer import OllamaPeer
from tests.processes import free_port
from tests.proxy import Proxy
from tests.servers import PostgresServer, RedisServer, own_postgres, own_redis
from tests.stack import Room, Stack

# A process that ends at once, for want of its database, is not started more often than this.
_RESTART_S = 0.5
_READY = {"core": "core listens on", "edge": "edge listens on", "worker": "jobs at once"}
# A run that loses workers on purpose must not give up on a job for that.
_ENDURANCE = {"TASKFORGE_MAX_LEASE_LOSSES": "1000", "TASKFORGE_MAX_ATTEMPTS": "100"}


@dataclass
class Fleet:
    """The running processes by kind, and what lies between them.

    Attributes:
        stack: For setting up clients, and for looking into the database.
        urls: Of the edges.
        links: Proxies by what they connect, such as `worker to core`.
        postgres: The database server, where there is one.
        redis: The queue server, where there is one.
    """

    stack: Stack
    rooms: list[Room] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    links: dict[str, list[Proxy]] = field(default_factory=dict)
    postgres: PostgresServer | None = None
    redis: RedisServer | None = None
    _launched: dict[Room, float] = field(default_factory=dict)

    def tend(self) -> None:
        """Starts again what has died; to be called often, from one thread for good."""
        now = time.monotonic()
        for room in self.rooms:
            if not room.is_running and now - self._launched.get(room, 0.0) > _RESTART_S:
                self._launched[room] = now
                room.launch()

    def of(self, kind: str) -> list[Room]:
        return [room for room in self.rooms if room.name == kind and room.is_running]

    def logs(self) -> str:
        logs = {room.log for room in self.rooms}
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())


def children(pid: int) -> list[int]:
    """The processes that a process has started; none when it is gone."""
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(word) for word in words]


@contextmanager
def embedded(folder: Path, peer: OllamaPeer) -> Iterator[Fleet]:
    """One process of each kind, over the embedded default."""
    with ExitStack() as opened:
        yield _start(opened, Fleet(_stack({}, folder, peer)), size=1)


@contextmanager
def servers(folder: Path, peer: OllamaPeer) -> Iterator[Fleet]:
    """Three processes of each kind, over PostgreSQL and Valkey of their own."""
    with ExitStack() as opened:
        postgres = opened.enter_context(own_postgres())
        redis = opened.enter_context(own_redis())
        environ = {
            "TASKFORGE_DATABASE_URL": postgres.create_database("chaos"),
            "TASKFORGE_QUEUE_URL": redis.fresh_url(),
        }
        fleet = Fleet(_stack(environ, folder, peer), postgres=postgres, redis=redis)
        yield _start(opened, fleet, size=3)


def _stack(environ: Mapping[str, str], folder: Path, peer: OllamaPeer) -> Stack:
    return Stack({"TASKFORGE_OLLAMA_URL": peer.url, **_ENDURANCE, **environ}, folder)


def _start(opened: ExitStack, fleet: Fleet, size: int) -> Fleet:
    migrated = fleet.stack.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    for number in range(size):
        for kind, environ in _environments(opened, fleet, number).items():
            log = fleet.stack.folder / f"{kind}-{number}.log"
            room = Room(kind, {**fleet.stack.environ, **environ}, log, _READY[kind])
            room.start()
            opened.callback(_end, room)
            fleet.rooms.append(room)
    return fleet


def _environments(opened: ExitStack, fleet: Fleet, number: int) -> dict[str, dict[str, str]]:
    """What each kind's process is told: an own core, reached through proxies, and an own port."""

    def linked(name: str, target: str) -> str:
        proxy = opened.enter_context(Proxy(target))
        fleet.links.setdefault(name, []).append(proxy)
        return proxy.address

    # The first core is where the fleet's stack expects it.
    core = fleet.stack.environ["TASKFORGE_CORE_BIND"] if not number else _free_address()
    edge = _free_address()
    fleet.urls.append(f"http://{edge}")
    environments = {
        "core": {"TASKFORGE_CORE_BIND": core},
        "edge": {
            "TASKFORGE_EDGE_BIND": edge,
            "TASKFORGE_CORE_ADDR": linked("edge to core", core),
        },
        "worker": {"TASKFORGE_CORE_ADDR": linked("worker to core", core)},
    }
    if fleet.postgres:
        url = urlsplit(fleet.stack.environ["TASKFORGE_DATABASE_URL"])
        through = linked("core to database", f"127.0.0.1:{url.port}")
        environments["core"]["TASKFORGE_DATABASE_URL"] = url._replace(
            netloc=f"postgres@{through}"
        ).geturl()
    return environments


def _free_address() -> str:
    return f"127.0.0.1:{free_port()}"


def _end(room: Room) -> None:
    if room.is_running:
        room.send(signal.SIGCONT)
        room.stop()
