"""Selects on the hot path, compiled once.

Peewee builds a query's text anew for each call, which takes longer than the
database does to answer it.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from peewee import Field, Model, ModelSelect

from core.database import database


class Prepared:
    """A select of whole rows, of one table or of several that are joined.

    Args:
        query: Builds the select from its parameters, used once each, in order.
        tables: The tables whose rows it selects, in that order.
        parameters: The fields that the parameters are compared with, and an
            example for each, which only has to be of the right type.
    """

    def __init__(
        self,
        query: "Callable[..., ModelSelect[Any]]",
        tables: Sequence[type[Model]],
        parameters: Sequence[tuple[Field, Any]],
    ) -> None:
        self._query = query
        self._readers = [_reader(table) for table in tables]
        self._fields = [field for field, _ in parameters]
        self._examples = [example for _, example in parameters]

    def first(self, *values: Any) -> tuple[Any, ...] | None:
        """The first row as an instance of each table; None when there is none."""
        bound = [field.db_value(value) for field, value in zip(self._fields, values, strict=True)]
        row = database.execute_sql(self._sql, bound).fetchone()
        if row is None:
            return None
        instances = []
        for read, width in self._readers:
            instances.append(read(row[:width]))
            row = row[width:]
        return tuple(instances)

    @cached_property
    def _sql(self) -> str:
        """The text for the database that is connected by now."""
        sql, parameters = self._query(*self._examples).sql()
        if len(parameters) != len(self._fields):
            raise ValueError(f"{sql} takes {len(parameters)} parameters")
        return str(sql)


def _reader(table: type[Model]) -> tuple[Callable[[Sequence[Any]], Model], int]:
    """What makes an instance of a part of a row, and how many columns that part has."""
    fields = [(field.name, field.python_value) for field in table._meta.sorted_fields]  # noqa: SLF001 - peewee's documented way to a model's fields

    def read(columns: Sequence[Any]) -> Model:
        instance = table()
        instance.__data__ = {
            name: convert(value) for (name, convert), value in zip(fields, columns, strict=True)
        }
        return instance

    return read, len(fields)
