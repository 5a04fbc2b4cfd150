"""The sides that are compared: the cores, and before each of them the same edges."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from taskforge.tickets.v1 import jobs_pb2
from taskforge.worker.v1 import worker_pb2

from bench import edge_canned_core, edge_envoy
from bench.edge_operations import OPERATIONS, SUBMISSION, TICKETS, result
from tests.hands import Hands
from tests.processes import free_port, launch
from tests.servers import postgres, redis
from tests.stack import Stack
from tickets.decoding import decode
from tickets.settings import Settings

CANNED, SQLITE, POSTGRESQL = CORES = ("canned", "sqlite", "postgresql")
DIRECT, OURS, PLAIN, ENVOY = SIDES = ("direct gRPC", "this edge", "plain Flask", "Envoy")

_START_S = 30
_SETTINGS = {
    # The defaults, in place of the short times that tests use; and room for the load.
    "TASKFORGE_LEASE_S": "60",
    "TASKFORGE_HEARTBEAT_S": "15",
    "TASKFORGE_SWEEP_S": "10",
    "TASKFORGE_RATE_LIMIT": "100000000/minute",
    "TASKFORGE_MAX_QUEUED": "100000000",
}
_DEFAULTS = {
    field.name: field.metadata["default"] for field in Settings.__dataclass_fields__.values()
}
_CORE_THREADS, _EDGE_THREADS = _DEFAULTS["core_threads"], _DEFAULTS["edge_threads"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The CPUs of each kind of process."""

    core: set[int]
    edge: set[int]
    load: set[int]


def layout(*, pin: bool) -> Layout:
    """All processes on all CPUs; pinned, core on the first and the edges on the second.

    The load is on the last, which on a machine with two is the edges' too.
    """
    cpus = sorted(os.sched_getaffinity(0))
    if not pin:
        return Layout(set(cpus), set(cpus), set(cpus))
    if len(cpus) == 1:
        raise SystemExit("--pin needs two CPUs")
    return Layout({cpus[0]}, {cpus[1]}, {cpus[-1]})


@contextmanager
def on(cpus: set[int]) -> Iterator[None]:
    """What is started within runs on these CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Side:
    """One way to a core: where it listens, and its process unless that is the core itself."""

    name: str
    port: int
    pid: int | None


@dataclass(frozen=True, slots=True)
class World:
    """A core, the ways to it, and a completed job of 50 tickets in it."""

    name: str
    core_pid: int
    sides: Sequence[Side]
    job_id: str
    key: str


@contextmanager
def world(name: str, folder: Path, places: Layout) -> Iterator[World]:
    """A running core of this name with its edges; each has been asked once."""
    with ExitStack() as started:
        if name == CANNED:
            made = _canned(started, folder, places)
        else:
            made = _real(started, name, folder, places)
        _look_at(made)
        yield made


def _canned(started: ExitStack, folder: Path, places: Layout) -> World:
    port = free_port()
    command = [sys.executable, "-m", edge_canned_core.__name__, str(port), _CORE_THREADS]
    with on(places.core):
        pid = started.enter_context(_server(command, folder / "core.log", edge_canned_core.READY))
    stack = Stack({**_SETTINGS, "TASKFORGE_CORE_ADDR": f"127.0.0.1:{port}"}, folder)
    sides = [Side(DIRECT, port, None), *_edges(started, stack, port, places)]
    return World(CANNED, pid, sides, edge_canned_core.JOB_ID, "a-key-that-nobody-looks-at")


def _real(started: ExitStack, name: str, folder: Path, places: Layout) -> World:
    stack = Stack({**_SETTINGS, **(_servers(started) if name == POSTGRESQL else {})}, folder)
    migrated = stack.run("migrate")
    if migrated.returncode:
        raise SystemExit(migrated.stderr)
    with on(places.core):
        stack.core.start()
    started.callback(stack.core.stop)
    port = int(stack.environ["TASKFORGE_CORE_BIND"].rpartition(":")[2])
    sides = [Side(DIRECT, port, None), *_edges(started, stack, port, places)]
    caller = stack.caller()
    submission = decode(jobs_pb2.TicketsJobSubmitRequest, SUBMISSION)
    accepted = stack.tickets.SubmitTicketsJob(submission, metadata=caller.metadata)
    _complete(Hands(stack), accepted.job_id)
    return World(name, stack.core.pid, sides, accepted.job_id, caller.key)


def _servers(started: ExitStack) -> dict[str, str]:
    return {
        "TASKFORGE_DATABASE_URL": started.enter_context(postgres()).create_database("bench"),
        "TASKFORGE_QUEUE_URL": started.enter_context(redis()).fresh_url(),
    }


def _complete(worker: Hands, job_id: str) -> None:
    held = worker.take(job_id)
    worker.call("CompleteJob", worker_pb2.CompleteJobRequest(**held.lease, result=result(job_id)))


def _edges(started: ExitStack, stack: Stack, core_port: int, places: Layout) -> Iterator[Side]:
    with on(places.edge):
        stack.edge.start()
        started.callback(stack.edge.stop)
        yield Side(OURS, int(stack.url.rpartition(":")[2]), stack.edge.pid)
        yield _plain(started, stack.folder, core_port)
        yield _envoy(started, stack.folder, core_port)


def _plain(started: ExitStack, folder: Path, core_port: int) -> Side:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class=gthread", "--workers=1"]
    command += [f"--threads={_EDGE_THREADS}", f"--bind=127.0.0.1:{port}", "--no-control-socket"]
    command += [f"bench.edge_plain_flask:create_app('127.0.0.1:{core_port}')"]
    pid = started.enter_context(_server(command, folder / "plain.log", "Booting worker"))
    return Side(PLAIN, port, pid)


def _envoy(started: ExitStack, folder: Path, core_port: int) -> Side:
    port = free_port()
    command = edge_envoy.command(folder, port, core_port)
    pid = started.enter_context(_server(command, folder / "envoy.log", edge_envoy.READY))
    return Side(ENVOY, port, pid)


@contextmanager
def _server(command: list[str], log: Path, ready: str) -> Iterator[int]:
    """A running program, by its process id."""
    with log.open("wb") as output:
        process = launch(command, output.fileno(), signal.SIGTERM)
    try:
        _wait(process, log, ready)
        yield process.pid
    finally:
        process.terminate()
        process.wait(_START_S)


def _wait(process: subprocess.Popen[bytes], log: Path, ready: str) -> None:
    deadline = time.monotonic() + _START_S
    while ready not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(log.read_text(errors="replace")[-2000:])
        time.sleep(0.02)


def _look_at(made: World) -> None:
    """Sees to it that every edge does the work that is measured."""
    marks = {"status": made.job_id, "result": f"SPEC-{TICKETS}", "submit": "status_url"}
    headers = {"Authorization": f"Bearer {made.key}", "Content-Type": "application/json"}
    for side in made.sides[1:]:
        for operation in OPERATIONS.values():
            url = f"http://127.0.0.1:{side.port}{operation.path.format(job_id=made.job_id)}"
            body = json.dumps(SUBMISSION) if operation.http_method == "POST" else None
            answer = requests.request(
                operation.http_method, url, headers=headers, data=body, timeout=10
            )
            if not answer.ok or marks[operation.name] not in answer.text:
                raise SystemExit(f"{side.name}, {operation.name}: {answer.text[:500]}")
