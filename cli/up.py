"""`taskforge up`: everything on this machine, and the lines that a person needs."""

import shlex
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from cli import environment, starting
from cli.help import Command
from cli.output import say
from cli.rest import DEFAULT_URL
from cli.system import StoppedError, System, free_address
from tickets.settings import EMBEDDED, Settings
from worker import model_server
from worker.generation.job import GenerationError
from worker.ollama import RefusedError
from worker.provider import Provider, lacks

_PROBE_S = 2

_BETTER_MODEL = """\
  It is small and shows that this machine works; its tickets are modest.
  For better ones install Ollama, run `ollama pull qwen3:8b`, and start again."""

_CHOSEN = """\
  TASKFORGE_OLLAMA_URL=embedded chose it. It is small, and its tickets are modest.
  For better ones name an Ollama there, such as http://127.0.0.1:11434, and start again."""

_AWAY = "  `taskforge doctor` says what mends it; until then jobs fail after a minute or two."
_MISSING = "  `taskforge doctor` says what installs it; until then jobs fail."

_NEXT = """\
To submit a spec, make a client and a key, in another terminal:
{exports}  taskforge clients create demo
  export TASKFORGE_API_KEY=$(taskforge keys create --client demo \\
    --scope tickets:submit --scope tickets:read --scope tickets:cancel)
  taskforge tickets submit SPEC.md --title "My spec" --wait"""


@click.command(cls=Command)
def up() -> None:
    """Run everything on this machine, until Ctrl-C or SIGTERM.

    Starts core, edge and worker, and the embedded model where there is no
    Ollama; starts again what dies. Data and the root secret are in
    TASKFORGE_DATA_DIR, ./data by default. Logs go to stderr.

    Examples:
      taskforge up
      TASKFORGE_OLLAMA_URL=http://gpu-box:11434 TASKFORGE_OLLAMA_MODEL=qwen3:8b taskforge up
    """
    stopping = catch_stop_signals()
    system = System(environment.settings(), stopping)
    try:
        lines = start(system)
        click.echo("\n".join(lines))
        click.echo(_next_steps(system))
        system.run()
        say(f"Stopping; running jobs get up to {system.settings.drain_s:g} s.")
    except StoppedError:
        pass
    finally:
        system.stop()
    say("Stopped.")


def catch_stop_signals() -> Callable[[], bool]:
    """Has SIGTERM, Ctrl-C and a closed terminal only noted; returns whether one has come."""
    came = False

    def note(*_: object) -> None:
        nonlocal came
        came = True

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, note)
    return lambda: came


def start(system: System) -> list[str]:
    """Starts everything; returns what a person needs to know, a line per thing."""
    with starting.announced(system.settings.data_dir):
        return _start(system)


def _start(system: System) -> list[str]:
    system.migrate()
    settings = system.settings
    advice = _CHOSEN if settings.ollama_url == EMBEDDED else _BETTER_MODEL
    found = model_server.find(settings)
    embedded = found is None
    if found is None:
        bind = free_address()
        system.start_model(bind)
        settings = model_server.with_embedded(f"http://{bind}", settings)
    elif settings.ollama_url is None:
        settings = replace(settings, ollama_url=model_server.STANDARD_URL)
    system.start_servers(settings)
    return [
        f"TaskForge is ready at {system.url}",
        *_model_lines(settings, advice if embedded else None),
        f"Data: {settings.data_dir}",
    ]


def _model_lines(settings: Settings, advice: str | None) -> list[str]:
    """What the model is; an advice comes with the embedded one."""
    found = model_server.at(settings.ollama_url or "", settings)
    where = found.public_urls
    try:
        model = found.model()
    except GenerationError as fault:
        return [f"Model: none yet at {where}: {fault.message}", _AWAY]
    if advice:
        return [f"Model: {model.name}, embedded, profile {model.profile}", advice]
    if _is_away(found):
        return [f"Model: {model.name} at {where}, which does not answer yet", _AWAY]
    if lacks(found.client, model.name):
        return [f"Model: {model.name}, which is not installed at {where}", _MISSING]
    return [f"Model: {model.name} at {where}, profile {model.profile}"]


def _is_away(found: Provider) -> bool:
    """Whether nobody is there; a server may well know nothing but how to chat."""
    try:
        found.client.version(deadline=time.monotonic() + _PROBE_S)
    except RefusedError:
        return False
    except GenerationError:
        return True
    return False


def _next_steps(system: System) -> str:
    """How to go on, with what has to be set there because it is not the default here."""
    settings = system.settings
    needed = {
        "TASKFORGE_DATA_DIR": (str(settings.data_dir), str(Path("data").absolute())),
        "TASKFORGE_CORE_ADDR": (settings.core_addr, "127.0.0.1:50051"),
        "TASKFORGE_URL": (system.url, DEFAULT_URL),
    }
    exports = [
        f"  export {name}={shlex.quote(value)}\n"
        for name, (value, default) in needed.items()
        if value != default
    ]
    return _NEXT.format(exports="".join(exports))
