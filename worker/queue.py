"""The Huey queues and the name of their one task; nothing else.

A message is only a wake-up: it has no payload, and losing one loses no job and
no delivery. Core imports this module to wake workers.
"""

import contextlib
import errno
import json
import logging
import os
import select
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huey import Huey
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import RedisStorage, SqliteStorage
from redis import ConnectionPool

log = logging.getLogger(__name__)

# The queues: what a wake-up in each has a worker claim.
JOBS = "taskforge"
DELIVERIES = "taskforge-deliveries"

# Seconds that an idle worker blocks before it looks again: bounds what a lost
# signal can cost, and how long a stopping worker takes to notice.
_RECHECK_S = 1

_NONE = -1  # no file descriptor


class JsonSerializer(Serializer):  # type: ignore[misc] # Huey is untyped
    """Messages as JSON: a queue that someone else can write to must not be able to run code."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(list(data)).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(*json.loads(data))


class SignalledSqliteStorage(SqliteStorage):  # type: ignore[misc] # Huey is untyped
    """Huey's SQLite storage with a FIFO beside it, so that a pop blocks instead of polling.

    Each message puts a byte into the FIFO after its commit; an idle worker
    waits for a byte. The bytes are hints: the table decides.

    A file that is deleted or replaced while it is in use is made or opened
    anew: whoever kept the old one would no longer hear the others.
    """

    blocking = True

    def __init__(self, name: str, filename: str, **options: Any) -> None:
        self._fifo = _NONE
        self._file: tuple[int, int] | None = None
        self._conn: sqlite3.Connection | None = None
        super().__init__(name, filename=filename, **options)

    @property
    def conn(self) -> sqlite3.Connection:
        """The connection, for one thread at a time."""
        if self._conn is not None and self._file != _identity(self.filename):
            self._conn.close()
            self._conn = None
        connection: sqlite3.Connection = super().conn
        return connection

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        for statement in self.ddl:
            connection.execute(statement)
        self._file = _identity(self.filename)
        self._open_fifo()
        return connection

    def _open_fifo(self) -> None:
        path = f"{self.filename}.{self.name}.fifo"
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, mode=0o600)
        # Open for both: neither end ever waits for, or loses, the other.
        opened = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fifo == _NONE:
            self._fifo = opened
            return
        # Under the same number, which other threads may be waiting at.
        os.dup2(opened, self._fifo, inheritable=False)
        os.close(opened)

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        super().enqueue(data, priority)
        try:
            os.write(self._fifo, b"\0")
        except OSError as fault:
            # A full FIFO has hints enough.
            if fault.errno != errno.EAGAIN:
                raise

    def dequeue(self) -> bytes | None:
        data: bytes | None = super().dequeue()
        if data is None and self._wait():
            data = super().dequeue()
        return data

    def _wait(self) -> bool:
        """Waits for a byte and takes it; False when none came, or another thread took it."""
        ready, _, _ = select.select([self._fifo], [], [], _RECHECK_S)
        if not ready:
            return False
        try:
            return bool(os.read(self._fifo, 1))
        except BlockingIOError:
            return False


def _identity(path: str) -> tuple[int, int] | None:
    """Which file is at a path; None: none."""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class PatientHuey(Huey):  # type: ignore[misc] # Huey is untyped
    """A queue that may be away: its consumer asks again, and says so once for all its threads."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._lock = threading.Lock()
        self._away = False

    def dequeue(self) -> Any:
        try:
            task = super().dequeue()
        except Exception as fault:  # noqa: BLE001 - Redis, SQLite and the disk fail in their own ways
            if self._turns(away=True):
                log.warning("the queue %s is away and will be asked again: %s", self.name, fault)
            time.sleep(_RECHECK_S)
            return None
        if self._away and self._turns(away=False):
            log.warning("the queue %s is back", self.name)
        return task

    def _turns(self, *, away: bool) -> bool:
        """Whether this is news."""
        with self._lock:
            before, self._away = self._away, away
        return before != away


def open_queue(
    url: str, name: str, on_wake: Callable[[], None], patience_s: float
) -> tuple[Huey, Callable[[], Any]]:
    """A queue at a URL, `redis://…` or `sqlite:///PATH`, and how to send a wake-up.

    Args:
        url: Where the queues are.
        name: Which one.
        on_wake: What a consumer of this process does when woken. Core, which
            only sends, passes something that does nothing.
        patience_s: How long one that is locked or does not answer is waited for; more
            than the second that a consumer's look at Redis takes.
    """
    storage = _storage(url, patience_s)
    queue = PatientHuey(name, results=False, serializer=JsonSerializer(), **storage)

    # Named in messages by module and name, so that both rooms mean the same.
    def wake() -> None:
        on_wake()

    return queue, queue.task(name="wake")(wake)


def _storage(url: str, patience_s: float) -> dict[str, Any]:
    if not url.startswith("sqlite:///"):
        pool = ConnectionPool.from_url(
            url, socket_timeout=patience_s, socket_connect_timeout=patience_s
        )
        return {"storage_class": RedisStorage, "connection_pool": pool}
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "storage_class": SignalledSqliteStorage,
        "filename": str(path),
        "timeout": patience_s,
        # Losing a wake-up in a power cut loses no job, so none waits for the disk.
        "fsync": False,
    }
