"""Connections and transactions, the same over SQLite and PostgreSQL."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import Database, DatabaseProxy, PostgresqlDatabase, SqliteDatabase
from playhouse.db_url import connect as connect_url

from core.turns import Turns

# Every table is bound to this; one process has one database.
database = DatabaseProxy()

# SQLite has one writer. Threads that wait in its busy handler sleep for ever
# longer while others get in between; here they take turns.
_writers = Turns()

# Any number will do, as long as no other program uses it on this database.
_MIGRATION_LOCK = 7_453_001


def connect(url: str) -> Database:
    """Binds the tables to the database of a URL. Each thread gets a connection of its own."""
    if url.startswith("sqlite"):
        opened: Database = connect_url(
            url,
            # A writer that waits its turn beats one that fails.
            timeout=30,
            pragmas={
                "journal_mode": "wal",
                # An accepted job survives a power cut, not just a crash of ours.
                "synchronous": "full",
                "foreign_keys": 1,
            },
        )
        Path(opened.database).parent.mkdir(parents=True, exist_ok=True)
    else:
        opened = connect_url(url, connect_timeout=5, application_name="taskforge-core")
    database.initialize(opened)
    return opened


@contextmanager
def transaction() -> Iterator[Any]:
    """One verb's writes, committed together. Not to be nested.

    On SQLite the write lock is taken at the start: a transaction that reads
    first and writes later would fail when another wrote in between.
    """
    if database.in_transaction():
        raise RuntimeError("a transaction within a transaction")
    if isinstance(database.obj, SqliteDatabase):
        with _writers, database.atomic("IMMEDIATE") as work:
            yield work
    else:
        with database.atomic() as work:
            yield work


def row_locks() -> bool:
    """Whether `FOR UPDATE SKIP LOCKED` can be said; SQLite has one writer anyway."""
    return isinstance(database.obj, PostgresqlDatabase)


def forget_connection() -> None:
    """Drops this thread's connection after a fault, so that the next call opens a fresh one."""
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
