"""`taskforge doctor`: what is wrong with this installation, and the command that mends it."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cli import environment, starting
from cli.help import Command
from cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from cli.findings import Check


@click.command(cls=Command)
@click.option("--quick", is_flag=True, help="Ask the model nothing.")
@json_option
def doctor(quick: bool, as_json: bool) -> None:
    """Check this installation; say what is wrong and what mends it.

    Ends with 1 when a check fails. Run it where `taskforge up` runs, with the
    same environment; it waits for an `up` that is still starting. The model is
    asked two short questions at each server, which can take minutes where it
    is not loaded yet.
    """
    # It touches every room, and nobody else's help should wait for that.
    from cli.checks import run_all  # noqa: PLC0415 - see above

    settings = environment.settings()
    starting.wait_for_end(settings.data_dir)
    checks = []
    for check in run_all(settings, quick=quick):
        checks.append(check)
        if not as_json:
            click.echo(_line(check))
    if as_json:
        print_json({"ok": all(c.ok for c in checks), "checks": [asdict(c) for c in checks]})
    sys.exit(not all(check.ok for check in checks))


def _line(check: "Check") -> str:
    line = f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {plain(check.detail)}"
    if check.remedy is None:
        return line
    where = f" on {check.machine}" if check.machine else ""
    return f"{line}\n      mend it{where} with: {check.remedy}"
