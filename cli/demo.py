"""`taskforge demo`: a sample spec becomes tickets, with everything real and nothing to set up."""

import os
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from taskforge.admin.v1 import clients_pb2, keys_pb2

from cli import admin, display, environment, jobs, rest
from cli.failure import Failure
from cli.help import Command
from cli.keys import SCOPES
from cli.output import say
from cli.system import System
from cli.up import start
from cli.waiting import wait

_CLIENT = "demo"
_KEY_S = 3600
_SAMPLE = Path(__file__).resolve().parent.parent / "docs" / "samples" / "returns-portal.md"

_NEXT = """
The result, valid against the contract: {out}

To go on:
  taskforge up     runs TaskForge until Ctrl-C, and says how to submit a spec of yours

The embedded model is small: it shows that this machine works, and its tickets are
modest. For better ones use a better model, with Ollama on this machine or another:
  ollama pull qwen3:8b
  TASKFORGE_OLLAMA_URL=http://127.0.0.1:11434 taskforge up"""


@click.command(cls=Command)
@click.option(
    "--count",
    metavar="N",
    type=click.IntRange(1, 50),
    default=6,
    show_default=True,
    help="How many tickets.",
)
def demo(count: int) -> None:
    """Turn a sample spec into tickets with the embedded model.

    Starts everything on free ports with its data in TASKFORGE_DATA_DIR/demo
    (./data/demo), makes a client and a key, submits the sample, shows its
    tickets, and stops. Takes less than a minute.
    """
    spec = _sample()
    folder = environment.settings().data_dir / "demo"
    with _running(folder) as system:
        api = rest.Api(system.url, _make_key(system))
        out = folder / "tickets.json"
        text = spec.read_text(encoding="utf-8")
        say(f"Submitting {spec.name}, {len(text.split())} words, for {count} tickets")
        body = rest.submission(_title(text), text, str(uuid.uuid4()), {"ticket_count": count}, None)
        job_id = api.submit(body)["job_id"]
        with display.progress() as watcher:
            wait(api, job_id, watcher)
        jobs.deliver(api, job_id, out=out, as_json=False)
    click.echo(_NEXT.format(out=os.path.relpath(out)))


@contextmanager
def _running(folder: Path) -> Iterator[System]:
    """Everything, started in a folder with a log of its own, and stopped however it ends."""
    settings = environment.settings(
        {
            "TASKFORGE_DATA_DIR": str(folder),
            "TASKFORGE_CORE_BIND": "127.0.0.1:0",
            "TASKFORGE_EDGE_BIND": "127.0.0.1:0",
            "TASKFORGE_OLLAMA_URL": "embedded",
            # Who interrupts a demo does not want its job.
            "TASKFORGE_DRAIN_S": "1",
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        say(f"Starting TaskForge with the embedded model; data and log are in {folder}")
        system = System(settings, stopping.is_set, log)
        keeper = threading.Thread(target=system.run, daemon=True)
        try:
            # The rest is for whoever goes on from here with `up`.
            for line in start(system)[:2]:
                say(line)
            keeper.start()
            yield system
        except Failure:
            say(_end_of_log(folder))
            raise
        finally:
            _stop(system, stopping, keeper)


def _stop(system: System, stopping: threading.Event, keeper: threading.Thread) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    stopping.set()
    if keeper.is_alive():
        keeper.join()
    system.stop()


def _end_of_log(folder: Path) -> str:
    text = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    return "\n".join(["The end of its log:", *text.splitlines()[-10:]])


def _make_key(system: System) -> str:
    """A new key; the client is there from the second demo on."""
    with admin.connect(system.settings) as core:
        known = core.call(core.clients.ListClients, clients_pb2.ListClientsRequest()).clients
        if _CLIENT not in {client.name for client in known}:
            core.call(core.clients.CreateClient, clients_pb2.CreateClientRequest(name=_CLIENT))
        request = keys_pb2.CreateKeyRequest(client_name=_CLIENT, name="demo", scopes=SCOPES)
        request.expires_in.FromSeconds(_KEY_S)
        return core.call(core.keys.CreateKey, request).api_key


def _sample() -> Path:
    if not _SAMPLE.is_file():
        raise Failure("there is no sample spec here; run this in a checkout of TaskForge")
    return _SAMPLE


def _title(text: str) -> str:
    """Its first line, which is its heading."""
    return text.splitlines()[0].lstrip("# ")
