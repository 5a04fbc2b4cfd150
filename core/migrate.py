"""Brings a database to this version's tables, one process at a time."""

from pathlib import Path

from peewee import Database
from playhouse.migrations import Migration, Runner

from core.database import connect, migration_lock

_FOLDER = str(Path(__file__).parent / "migrations")


class NewerDatabaseError(Exception):
    """The database has migrations that this version does not know."""


def migrate(database_url: str) -> list[str]:
    """Applies what is missing and returns its names; several processes may call it at once.

    Raises:
        NewerDatabaseError: The database belongs to a later version.
        peewee.DatabaseError: The database cannot be reached or refuses.
    """
    opened = connect(database_url)
    with migration_lock(opened):
        _known(opened)
        return list(Runner(opened, _FOLDER).up())


def pending(opened: Database) -> list[str]:
    """The names of migrations that are not applied.

    Raises:
        NewerDatabaseError: The database belongs to a later version.
    """
    return [row.name for row in _known(opened) if row.applied is None]


def _known(opened: Database) -> list[Migration]:
    """Every migration of this version, with when it was applied."""
    rows: list[Migration] = Runner(opened, _FOLDER).status()
    unknown = [row.name for row in rows if row.path is None]
    if unknown:
        raise NewerDatabaseError(
            f"the database has the migration {unknown[-1]}, which this version does not know"
        )
    return rows
