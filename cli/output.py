"""What commands print: data on stdout, messages on stderr."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.failure import Failure

_Command = TypeVar("_Command", bound=Callable[..., Any])

# Wide enough that nothing is wrapped in a file or a pipe.
_WIDTH_OF_FILES = 240


def json_option(command: _Command) -> _Command:
    """Adds `--json` to a command, as the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout.")(command)


def say(message: str) -> None:
    """A message for people, on stderr."""
    click.echo(message, err=True)


def json_text(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def print_json(data: Any) -> None:
    click.echo(json_text(data))


def plain(value: Any) -> str:
    """The value as text that cannot steer a terminal."""
    text = "" if value is None else str(value)
    return "".join(char if char.isprintable() else " " for char in text)


def console() -> Console:
    """Stdout for tables. What is printed comes from others: no markup is read in it."""
    return Console(
        markup=False,
        highlight=False,
        emoji=False,
        width=None if sys.stdout.isatty() else _WIDTH_OF_FILES,
    )


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, flexible: Sequence[str] = ()
) -> None:
    """Prints a table; only the `flexible` columns are wrapped where the room is short."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column not in flexible, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(value)) for value in row))
    console().print(table)


def write_atomically(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(draft).chmod(_mode_of_new_files())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise Failure(f"{path} cannot be written: {fault.strerror or fault}") from None


def _mode_of_new_files() -> int:
    """What an ordinary new file would get; `mkstemp` gives less."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
