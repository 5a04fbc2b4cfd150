"""`taskforge serve` and `taskforge migrate`: one process, in the foreground."""

import signal
import sys
from dataclasses import replace
from typing import TypeVar

import click

from cli import environment, secret, signals, supervised
from cli.failure import Failure, SettingsFailure
from cli.help import Command, Group
from cli.output import json_option, print_json, say
from tickets import logs
from tickets.settings import Settings

_Command = TypeVar("_Command", bound=click.Command)

# What is imported within the commands below is the room that the process is for, and no other.


def _supervised_option(command: _Command) -> _Command:
    option = click.Option(["--supervised"], is_flag=True, hidden=True)
    command.params.append(option)
    return command


@click.group(cls=Group)
def serve() -> None:
    """Run one process of TaskForge in the foreground, for containers.

    It ends with 0 on SIGTERM or Ctrl-C, after TASKFORGE_DRAIN_S at most.
    `taskforge up` runs all of them together.

    Example:
      taskforge migrate && taskforge serve core
    """


@_supervised_option
@serve.command()
def core(supervised: bool) -> None:
    """Serve gRPC at TASKFORGE_CORE_BIND, over the database.

    The database must have been prepared with `taskforge migrate`.
    """
    settings = _begin("core", supervised)
    settings = secret.with_secrets(settings, secret.find_or_make(settings))
    from peewee import DatabaseError  # noqa: PLC0415 - this room alone

    from core.server import StartError  # noqa: PLC0415 - this room alone
    from core.server import serve as run  # noqa: PLC0415 - this room alone

    try:
        run(settings)
    except StartError as fault:
        raise SettingsFailure(str(fault)) from None
    except DatabaseError as fault:
        # It may come later; whoever supervises this process starts it again.
        raise Failure(f"TASKFORGE_DATABASE_URL: {str(fault).strip()}") from None


@_supervised_option
@serve.command()
def edge(supervised: bool) -> None:
    """Serve HTTP at TASKFORGE_EDGE_BIND, through core."""
    settings = _begin("edge", supervised)
    from edge.server import StartError  # noqa: PLC0415 - this room alone
    from edge.server import serve as run  # noqa: PLC0415 - this room alone

    try:
        run(settings)
    except StartError as fault:
        raise SettingsFailure(str(fault)) from None


@_supervised_option
@serve.command()
def worker(supervised: bool) -> None:
    """Take jobs from core and generate tickets; deliver callbacks.

    Needs TASKFORGE_WORKER_TOKEN, or the root secret to derive it from. Where
    there is no Ollama it starts the embedded model.
    """
    settings = _begin("worker", supervised)
    settings = replace(settings, worker_token=secret.worker_token(settings), secret_key=None)
    from worker.callbacks.tls import TrustError  # noqa: PLC0415 - this room alone

    try:
        _serve_worker(settings)
    except TrustError as fault:
        raise SettingsFailure(f"TASKFORGE_CALLBACK_CA_FILE: {fault}") from None


@serve.command()
@click.option(
    "--bind",
    metavar="HOST:PORT",
    default="127.0.0.1:11435",
    show_default=True,
    help="Where to listen.",
)
def model(bind: str) -> None:
    """Serve the embedded model over the Ollama protocol.

    Example:
      taskforge serve model
      TASKFORGE_OLLAMA_URL=http://127.0.0.1:11435 taskforge serve worker
    """
    _begin("model")
    from worker.embedded.engine import ModelUnavailable  # noqa: PLC0415 - this room alone
    from worker.embedded.server import serve as run  # noqa: PLC0415 - this room alone

    try:
        run(bind, announce=lambda url: say(f"The embedded model answers at {url}"))
    except (ModelUnavailable, OSError) as fault:
        raise SettingsFailure(f"the embedded model cannot be served at {bind}: {fault}") from None


@click.command(cls=Command)
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database to this version's tables.

    Does nothing where nothing is missing; several may run at once.
    """
    settings = environment.settings()
    from peewee import DatabaseError  # noqa: PLC0415 - this room alone

    from core.migrate import NewerDatabaseError  # noqa: PLC0415 - this room alone
    from core.migrate import migrate as run  # noqa: PLC0415 - this room alone

    try:
        applied = run(settings.database_url)
    except NewerDatabaseError as fault:
        raise SettingsFailure(f"TASKFORGE_DATABASE_URL: {fault}") from None
    except DatabaseError as fault:
        raise Failure(f"TASKFORGE_DATABASE_URL: {str(fault).strip()}") from None
    if as_json:
        print_json({"applied": applied})
    else:
        say(f"Applied {', '.join(applied)}." if applied else "The database is up to date.")


def _begin(name: str, is_supervised: bool = False) -> Settings:
    """What every process does first."""
    if is_supervised:
        supervised.obey()
    settings = environment.settings()
    logs.configure(name, settings.log_level)
    # Until the server has handlers of its own, a signal ends the process just as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signals.reach_main()
    return settings


def _serve_worker(settings: Settings) -> None:
    from worker import model_server  # noqa: PLC0415 - this room alone
    from worker.consumer import serve as run  # noqa: PLC0415 - this room alone

    found = model_server.find(settings)
    if found:
        run(settings, found)
        return
    from worker.embedded import process  # noqa: PLC0415 - this room alone
    from worker.embedded.engine import ModelUnavailable  # noqa: PLC0415 - this room alone

    try:
        started = process.start()
    except ModelUnavailable as fault:
        raise SettingsFailure(str(fault)) from None
    with started:
        settings = model_server.with_embedded(started.url, settings)
        run(settings, model_server.at(started.url, settings))
