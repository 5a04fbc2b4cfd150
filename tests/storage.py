"""An installation's database, opened beside core: to look, and to age what is long in coming."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import Database, SqliteDatabase
from playhouse.db_url import connect

from tests.stack import Stack


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


def identifier(stack: Stack, job_id: str) -> str:
    """A job's id as its column holds it."""
    return job_id.replace("-", "") if url(stack).startswith("sqlite") else job_id


def url(stack: Stack) -> str:
    default = f"sqlite:///{stack.folder / 'taskforge.db'}"
    return stack.environ.get("TASKFORGE_DATABASE_URL") or default
