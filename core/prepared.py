"""Statements on the hot path, compiled once, their rows read as plain tuples.

Peewee builds a statement's text and a model instance anew for each call, which
takes many times longer than the database does to answer it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from peewee import (
    SQL,
    BlobField,
    Field,
    ForeignKeyField,
    IntegerField,
    Model,
    ModelSelect,
    Query,
    UUIDField,
)

from core.database import database

R = TypeVar("R", bound=NamedTuple)


class Statement:
    """A statement of Peewee's, to be run with other values each time.

    Args:
        build: Makes the query from a value for each parameter, which it uses
            once each, in order. All else in it has to be literal.
        parameters: The fields that the values are for.
    """

    def __init__(self, build: Callable[..., Query], parameters: Iterable[Field]) -> None:
        self._build = build
        self._parameters = tuple(parameters)
        self._binders = [field.db_value for field in self._parameters]
        self._texts: dict[type, str] = {}

    def run(self, *values: Any) -> int:
        """Runs it, and returns how many rows it has changed."""
        rows: int = self._execute(values).rowcount
        return rows

    def _execute(self, values: Sequence[Any]) -> Any:
        bound = [bind(value) for bind, value in zip(self._binders, values, strict=True)]
        opened = database.obj
        sql = self._texts.get(type(opened)) or self._compile(type(opened))
        return opened.execute_sql(sql, bound)

    def _compile(self, kind: type) -> str:
        """The text for the kind of database that is connected by now."""
        examples = [_example(field, place) for place, field in enumerate(self._parameters)]
        sql, bound = self._build(*examples).sql()
        expected = [bind(value) for bind, value in zip(self._binders, examples, strict=True)]
        if list(map(_content, bound)) != list(map(_content, expected)):
            raise ValueError(f"{sql} takes {bound}")
        self._texts[kind] = str(sql)
        return str(sql)


class Insert(Statement):
    """Puts a row into a table.

    Args:
        table: The table.
        columns: The names of those that are given.
        ignore_conflicts: A row whose key is taken is left out, not an error.
    """

    def __init__(self, table: type[Model], *columns: str, ignore_conflicts: bool = False) -> None:
        fields = _in_order(table, columns)
        self._names = [field.name for field in fields]

        def build(*values: Any) -> Query:
            insert = table.insert(dict(zip(self._names, values, strict=True)))
            return insert.on_conflict_ignore() if ignore_conflicts else insert

        super().__init__(build, fields)

    def row(self, **columns: Any) -> bool:
        """Inserts a row; False when it was left out."""
        return self.run(*(columns[name] for name in self._names)) > 0


class Update:
    """Changes the rows of a table; compiled once for each choice of columns."""

    def __init__(self, table: type[Model]) -> None:
        self._table = table
        self._prepared: dict[tuple[str, ...], tuple[list[str], list[str], Statement]] = {}

    def rows(self, changes: Mapping[str, Any], where: Mapping[str, Any]) -> int:
        """Sets columns of the rows in which others are as given; none of those is None.

        Returns:
            How many rows there were.
        """
        shape = (*changes, "WHERE", *where)
        prepared = self._prepared.get(shape)
        if prepared is None:
            prepared = self._prepared[shape] = self._prepare(changes, where)
        changed, compared, statement = prepared
        return statement.run(
            *(changes[name] for name in changed), *(where[name] for name in compared)
        )

    def _prepare(
        self, changes: Iterable[str], where: Iterable[str]
    ) -> tuple[list[str], list[str], Statement]:
        changed, compared = _in_order(self._table, changes), _in_order(self._table, where)

        def build(*values: Any) -> Query:
            new, old = values[: len(changed)], values[len(changed) :]
            update = self._table.update(dict(zip(changed, new, strict=True)))
            return update.where(*(a == b for a, b in zip(compared, old, strict=True)))

        names = ([field.name for field in fields] for fields in (changed, compared))
        changed_names, compared_names = names
        return changed_names, compared_names, Statement(build, [*changed, *compared])


class Select(Statement, Generic[R]):
    """Selects columns of one table or of several that are joined.

    Args:
        row: What a row is read as; its fields are the columns, in order.
        columns: What is selected, in order.
        build: As for any statement.
        parameters: As for any statement.
    """

    def __init__(
        self,
        row: type[R],
        columns: Sequence[Field],
        build: "Callable[..., ModelSelect[Any]]",
        parameters: Iterable[Field],
    ) -> None:
        super().__init__(build, parameters)
        if len(row._fields) != len(columns):
            raise ValueError(f"{row.__name__} does not have {len(columns)} fields")
        self._row = row
        self._readers = [(n, read) for n, field in enumerate(columns) if (read := _reader(field))]

    def first(self, *values: Any) -> R | None:
        """The first row; None when there is none."""
        found = self._execute(values).fetchone()
        return None if found is None else self._read(found)

    def all(self, *values: Any) -> list[R]:
        """Every row."""
        return [self._read(found) for found in self._execute(values).fetchall()]

    def _read(self, found: Sequence[Any]) -> R:
        read = list(found)
        for place, convert in self._readers:
            if read[place] is not None:
                read[place] = convert(read[place])
        return self._row._make(read)


def literal(value: StrEnum) -> SQL:
    """A value of ours as it stands in a statement's text.

    SQLite sees by it, once, that an index over such rows alone will do; for a
    value that is given apart it would compile the statement anew each time.
    """
    return SQL(f"'{value.value}'")


def _in_order(table: type[Model], columns: Iterable[str]) -> list[Field]:
    """Columns in the table's own order, which is that of a statement's values."""
    names = set(columns)
    return [field for field in table._meta.sorted_fields if field.name in names]  # noqa: SLF001 - peewee's documented way to a model's fields


def _example(field: Field, place: int) -> Any:
    """A value for a field that is like no other of its statement."""
    if isinstance(field, ForeignKeyField):
        return _example(field.rel_field, place)
    if isinstance(field, UUIDField):
        return UUID(int=place)
    if isinstance(field, IntegerField):
        return place
    return b"%d" % place if isinstance(field, BlobField) else str(place)


def _content(value: Any) -> Any:
    """What PostgreSQL's driver has wrapped, for a comparison."""
    return getattr(value, "adapted", value)


def _reader(field: Field) -> Callable[[Any], Any] | None:
    """What a column's values have to be turned into; None where drivers give what is wanted."""
    if isinstance(field, ForeignKeyField):
        return _reader(field.rel_field)
    if isinstance(field, UUIDField):
        return field.python_value
    # PostgreSQL's driver gives a memoryview.
    return bytes if isinstance(field, BlobField) else None
