"""Connections and transactions, the same over SQLite and PostgreSQL."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg2
from peewee import (
    Database,
    DatabaseProxy,
    PeeweeException,
    PostgresqlDatabase,
    SqliteDatabase,
)
from playhouse.db_url import connect as connect_url

from core import postgres
from core.turns import Turns

# Every table is bound to this; one process has one database.
database = DatabaseProxy()

# SQLite has one writer. Threads that wait in its busy handler sleep for ever
# longer while others get in between; here they take turns.
_writers = Turns()

# Any number will do, as long as no other program uses it on this database.
_MIGRATION_LOCK = 7_453_001

# A writer that waits its turn beats one that fails, but its caller waits too.
_SQLITE_TURN_S = 10

# What a fault of the database, or of the way to it, is raised as: peewee wraps most.
STORAGE_FAULTS = (PeeweeException, sqlite3.Error, psycopg2.Error)


def connect(url: str, *, hurried: bool = False) -> Database:
    """Binds the tables to the database of a URL. Each thread gets a connection of its own.

    Args:
        url: Of SQLite or PostgreSQL.
        hurried: No statement may take longer than callers wait. A migration may.
    """
    if url.startswith("sqlite"):
        opened: Database = connect_url(
            url,
            timeout=_SQLITE_TURN_S,
            pragmas={
                "journal_mode": "wal",
                "synchronous": "full",
                "foreign_keys": 1,
            },
        )
        Path(opened.database).parent.mkdir(parents=True, exist_ok=True)
    else:
        opened = connect_url(url, **postgres.parameters(url, hurried=hurried))
        # Each thread has a connection of its own; under peewee's one lock all would wait in
        # turn, several seconds each, for a server that does not answer.
        opened._lock = nullcontext()  # type: ignore[attr-defined] # noqa: SLF001 - no other way to it
        if hurried:
            postgres.hurry()
    database.initialize(opened)
    return opened


@contextmanager
def transaction(*, lasting: bool = True) -> Iterator[Any]:
    """One verb's writes, committed together. Not to be nested.

    On SQLite the write lock is taken at the start: a transaction that reads
    first and writes later would fail when another wrote in between.

    Args:
        lasting: What is committed survives a power cut, not just a crash of
            ours. Without, a power cut may undo the transaction as a whole, as
            long as no lasting one has come after it. Only SQLite, whose workers
            lose their power too, makes a difference.
    """
    if database.in_transaction():
        raise RuntimeError("a transaction within a transaction")
    if isinstance(database.obj, SqliteDatabase):
        with _writers:
            # Said each time: what a connection was told before counts for nothing.
            database.execute_sql(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
            with database.atomic("IMMEDIATE") as work:
                yield work
    else:
        with database.atomic() as work:
            yield work


def row_locks() -> bool:
    """Whether `FOR UPDATE SKIP LOCKED` can be said; SQLite has one writer anyway."""
    return isinstance(database.obj, PostgresqlDatabase)


class _Faults:
    """How many faults there have been, and how many each thread knew of when it last looked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = threading.local()
        self.count = 0

    def add(self) -> None:
        with self._lock:
            self.count += 1

    def are_news(self) -> bool:
        """Whether there were any since this thread asked before; not for its first time."""
        before = getattr(self._seen, "count", None)
        if before == self.count:
            return False
        self._seen.count = self.count
        return before is not None


_faults = _Faults()


def brief(fault: BaseException) -> str:
    """A fault in one line; PostgreSQL's messages go on with advice."""
    return str(fault).strip().partition("\n")[0]


def faults() -> int:
    """How many faults of the storage there have been."""
    return _faults.count


def forget_connection() -> None:
    """After a fault: drops this thread's connection, and soon those of the others."""
    _faults.add()
    give_up_connection()


def renew_connection() -> None:
    """Before a call: drops this thread's connection if it may be dead.

    After a restart of the database, or a fault on any thread, every other
    thread may hold one. So no call fails for what happened between calls.
    """
    is_news = _faults.are_news()
    opened = database.obj
    if opened.is_closed():
        return
    server = isinstance(opened, PostgresqlDatabase)
    if is_news or (server and postgres.is_dead(opened.connection())):
        give_up_connection()


def give_up_connection() -> None:
    """Drops this thread's connection, which may be dead or is not needed for long."""
    if not database.is_closed():
        while database.in_transaction():
            database.pop_transaction()
        database.close()


@contextmanager
def migration_lock(opened: Database) -> Iterator[None]:
    """Connects, and holds off other migrations of the same database, on any machine."""
    if isinstance(opened, SqliteDatabase):
        with Path(f"{opened.database}.lock").open("w") as lock:
            # Before it connects: of two that turn a new file to WAL at once, one fails.
            fcntl.flock(lock, fcntl.LOCK_EX)
            with opened.connection_context():
                yield
        return
    with opened.connection_context():
        opened.execute_sql("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        try:
            yield
        finally:
            opened.execute_sql("SELECT pg_advisory_unlock(%s)", (_MIGRATION_LOCK,))
