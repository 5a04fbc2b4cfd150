"""Commands whose help is printed as it is written."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import click


class Command(click.Command):
    """A command; the lines of its docstring are kept, so that examples stay whole."""

    def format_help_text(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        _write(inspect.cleandoc(self.help or ""), formatter)

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002 - nothing is cut off
        return inspect.cleandoc(self.help or "").partition("\n")[0]


class Group(Command, click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type

    def format_epilog(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        _write(self.epilog or "", formatter)


class LazyGroup(Group):
    """A group that imports a command's module when the command is used or listed.

    Attributes:
        places: Where each command is, as `module:name`.
    """

    def __init__(self, *args: Any, places: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = dict(places or {})

    def list_commands(self, _: click.Context) -> list[str]:
        return list(self.places)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.places:
            return None
        module, name = self.places[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


def _write(text: str, formatter: click.HelpFormatter) -> None:
    formatter.write_paragraph()
    with formatter.indentation():
        indent = " " * formatter.current_indent
        for line in text.splitlines():
            formatter.write(f"{indent}{line}".rstrip() + "\n")
