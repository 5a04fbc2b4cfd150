"""`taskforge`: the command line's entry point, its list of commands, and its exit codes."""

import sys
from importlib.metadata import version

import click

from cli import signals
from cli.failure import EXIT_CODES, EXIT_INTERRUPTED, SettingsFailure
from cli.help import LazyGroup
from tickets.settings import SettingsError

_COMMANDS = {
    "up": "cli.up:up",
    "demo": "cli.demo:demo",
    "doctor": "cli.doctor:doctor",
    "clients": "cli.clients:clients",
    "keys": "cli.keys:keys",
    "deliveries": "cli.deliveries:deliveries",
    "jobs": "cli.inspection:jobs",
    "tickets": "cli.jobs:tickets",
    "serve": "cli.serve:serve",
    "migrate": "cli.serve:migrate",
}


@click.group(cls=LazyGroup, places=_COMMANDS, epilog=EXIT_CODES)
@click.version_option(version("taskforge-tickets"), message="taskforge %(version)s")
def taskforge() -> None:
    """Turn product specs into tickets with a local language model.

    Everything is set by environment variables, TASKFORGE_…; docs/settings.md
    lists them.

    To begin:
      taskforge demo    a sample spec becomes tickets, within a minute
      taskforge up      run everything on this machine, until Ctrl-C
    """


def main() -> None:
    """Runs the command that the arguments name, and ends the process with its exit code."""
    try:
        sys.exit(_run())
    finally:
        signals.ignore()


def _run() -> int:
    try:
        code: int = taskforge(prog_name="taskforge", standalone_mode=False)
    except click.ClickException as failure:
        failure.show()
        code = failure.exit_code
    except SettingsError as fault:
        # What only the process that needs it can find out, such as a file that is missing.
        SettingsFailure(str(fault)).show()
        code = SettingsFailure.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever reads our output has seen enough; Python must not write to it at exit.
        sys.stdout = None
        code = 1
    return code


if __name__ == "__main__":
    main()
