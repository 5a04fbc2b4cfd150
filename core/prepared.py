"""Statements on the hot path, compiled once, their rows read as plain tuples.

Peewee builds a statement's text and a model instance anew for each call, which
takes many times longer than the database does to answer it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from peewee import BlobField, Field, ForeignKeyField, Model, ModelSelect, Query, UUIDField

from core.database import database

R = TypeVar("R", bound=NamedTuple)


class Statement:
    """A statement of Peewee's, to be run with other values each time.

    Args:
        build: Makes the query from a value for each parameter, which it uses
            once each, in order, and no other values.
        parameters: The fields that the values are for, and an example for
            each; no two examples may be equal.
    """

    def __init__(
        self, build: Callable[..., Query], parameters: Iterable[tuple[Field, Any]]
    ) -> None:
        self._build = build
        self._parameters = tuple(parameters)
        self._binders = [field.db_value for field, _ in self._parameters]
        self._texts: dict[type, str] = {}

    def run(self, *values: Any) -> int:
        """Runs it, and returns how many rows it has changed."""
        rows: int = self._execute(values).rowcount
        return rows

    def _execute(self, values: Sequence[Any]) -> Any:
        bound = [bind(value) for bind, value in zip(self._binders, values, strict=True)]
        kind = type(database.obj)
        sql = self._texts.get(kind) or self._compile(kind)
        return database.execute_sql(sql, bound)

    def _compile(self, kind: type) -> str:
        """The text for the kind of database that is connected by now."""
        sql, bound = self._build(*(example for _, example in self._parameters)).sql()
        examples = [field.db_value(example) for field, example in self._parameters]
        if list(map(_content, bound)) != list(map(_content, examples)):
            raise ValueError(f"{sql} takes {bound}")
        self._texts[kind] = str(sql)
        return str(sql)


class Insert(Statement):
    """Puts a row into a table.

    Args:
        table: The table.
        examples: A value for each column that is given; no two may be equal.
        ignore_conflicts: A row whose key is taken is left out, not an error.
    """

    def __init__(
        self, table: type[Model], examples: dict[str, Any], *, ignore_conflicts: bool = False
    ) -> None:
        # In the table's own order, which is that of the statement.
        fields = [field for field in table._meta.sorted_fields if field.name in examples]  # noqa: SLF001 - peewee's documented way to a model's fields
        self._names = [field.name for field in fields]

        def build(*values: Any) -> Query:
            insert = table.insert(dict(zip(self._names, values, strict=True)))
            return insert.on_conflict_ignore() if ignore_conflicts else insert

        super().__init__(build, [(field, examples[field.name]) for field in fields])

    def row(self, **columns: Any) -> bool:
        """Inserts a row; False when it was left out."""
        return self.run(*(columns[name] for name in self._names)) > 0


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
        parameters: Iterable[tuple[Field, Any]],
    ) -> None:
        super().__init__(build, parameters)
        if len(row._fields) != len(columns):
            raise ValueError(f"{row.__name__} does not have {len(columns)} fields")
        self._row = row
        self._readers = [(n, read) for n, field in enumerate(columns) if (read := _reader(field))]

    def first(self, *values: Any) -> R | None:
        """The first row; None when there is none."""
        found = self._execute(values).fetchone()
        if found is None:
            return None
        read = list(found)
        for place, convert in self._readers:
            if read[place] is not None:
                read[place] = convert(read[place])
        return self._row._make(read)


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
