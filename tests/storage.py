"""An installation's database, opened beside core: to look, and to age what is long in coming."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from peewee import Database, SqliteDatabase
from playhouse.db_url import connect

from tests.stack import Stack

_NEW_JOB = {
    "feature": "'tickets'",
    "stage": "'queued'",
    "progress": "''",
    "updated_at": "0",
    "available_at": "0",
    "expires_at": "9000000000000000",
    "failures": "0",
    "lease_losses": "0",
}


@contextmanager
def opened(stack: Stack) -> Iterator[Database]:
    """The database, closed afterwards."""
    waits = {"timeout": 30} if url(stack).startswith("sqlite") else {}
    database = connect(url(stack), **waits)
    try:
        yield database
    finally:
        database.close()


def execute(stack: Stack, statement: str, *values: object) -> list[Any]:
    """Runs one SQL statement, with `?` for its values, and returns the rows it answers with."""
    with opened(stack) as database:
        return run(database, statement, *values)


def run(database: Database, statement: str, *values: object) -> list[Any]:
    """The same on a database that is open."""
    execute_sql: Any = database.execute_sql  # untyped in peewee's stubs
    if not isinstance(database, SqliteDatabase):
        statement = statement.replace("?", "%s")
    cursor = execute_sql(statement, values)
    return list(cursor.fetchall()) if cursor.description else []


def insert_jobs(database: Database, client_id: UUID, size: int, **columns: str) -> None:
    """Adds many jobs of a client; SQL over `n`, from 1 to `size`, gives what they differ in."""
    columns = {**_NEW_JOB, **columns}
    if isinstance(database, SqliteDatabase):
        numbers = "SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < ?"
        columns |= {"id": "lower(hex(randomblob(16)))", "client_id": "?"}
        content = "CAST(n AS BLOB)"
    else:
        numbers = "SELECT generate_series(1, ?) AS n"
        columns |= {"id": "gen_random_uuid()", "client_id": "?::uuid"}
        content = "int4send(n)"
    columns |= {"idempotency_hash": content, "content_hash": content}
    run(
        database,
        f"WITH RECURSIVE numbers AS ({numbers}) INSERT INTO jobs ({', '.join(columns)}) "
        f"SELECT {', '.join(columns.values())} FROM numbers",
        size,
        client_id.hex,
    )


def identifier(stack: Stack, job_id: str) -> str:
    """A job's id as its column holds it."""
    return job_id.replace("-", "") if url(stack).startswith("sqlite") else job_id


def url(stack: Stack) -> str:
    default = f"sqlite:///{stack.folder / 'taskforge.db'}"
    return stack.environ.get("TASKFORGE_DATABASE_URL") or default
