"""A running installation for tests: the real processes, on one pair of backends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import requests
from taskforge.admin.v1 import clients_pb2, clients_pb2_grpc, keys_pb2, keys_pb2_grpc
from taskforge.admin.v1 import jobs_pb2_grpc as admin_jobs_pb2_grpc
from taskforge.tickets.v1 import jobs_pb2_grpc
from taskforge.worker.v1 import worker_pb2_grpc

from cli.environment import read_text
from tests.launch import POWERLESS
from tests.processes import free_port, launch
from tickets import tokens
from tickets.channel import open_channel
from tickets.settings import load

ROOT_SECRET = "a root secret that is for tests only"
ALL_SCOPES = ("tickets:submit", "tickets:read", "tickets:cancel")
TERMINAL = {"completed", "failed", "cancelled", "expired"}
SPEC = "Shoppers return items.\n\n# Labels\n\nThe portal prints a label. Staff scan the label."

Metadata = tuple[tuple[str, str | bytes], ...]

_START_S = 30
_numbers = count(1)

# Quick enough for tests to wait for, slow enough not to trip over a busy machine.
_TIMING = {
    "TASKFORGE_LEASE_S": "4",
    "TASKFORGE_HEARTBEAT_S": "1",
    "TASKFORGE_SWEEP_S": "0.5",
    "TASKFORGE_RETRY_DELAY_S": "0.2",
    "TASKFORGE_DRAIN_S": "3",
    "TASKFORGE_RATE_LIMIT": "100000/minute",
    "TASKFORGE_CALLBACK_TIMEOUT_S": "3",
    "TASKFORGE_CALLBACK_INTERNAL_HOSTS": "Inside.example, inner.example",
}


class Room:
    """One process of the installation: `taskforge serve NAME`.

    Attributes:
        environ: What it is started with.
        powerless: It is started without root's right to write to any file.
    """

    def __init__(self, name: str, environ: Mapping[str, str], log: Path, ready: str) -> None:
        self.name = name
        self.log = log
        self.powerless = False
        self.environ = dict(environ)
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def start(self) -> None:
        began_at = self.log.stat().st_size if self.log.exists() else 0
        self.launch()
        deadline = time.monotonic() + _START_S
        while self._ready not in self.log.read_text(errors="replace")[began_at:]:
            assert self.is_running, self.log.read_text(errors="replace")
            assert time.monotonic() < deadline, f"{self.name} is not ready"
            time.sleep(0.02)

    def launch(self) -> None:
        """Starts the process and does not wait until it is ready."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "cli.main", "serve", self.name]
            environ = {**self.environ, **({POWERLESS: "1"} if self.powerless else {})}
            self._process = launch(command, log.fileno(), signal.SIGKILL, environ=environ)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; one that has ended by itself does not mind."""
        assert self._process is not None
        self._process.send_signal(number)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within it the process stands still, and all that asks it waits."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def stop(self) -> int:
        """Ends the process in order and returns its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)


@dataclass(frozen=True, slots=True)
class Refused:
    """What gRPC said in place of an answer."""

    code: grpc.StatusCode
    reason: str


@dataclass
class Caller:
    """A client of the installation, with its key."""

    stack: "Stack"
    name: str
    client_id: str
    key_id: str
    key: str

    @cached_property
    def session(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.key}"
        return session

    @property
    def metadata(self) -> Metadata:
        return (("authorization", f"Bearer {self.key}"),)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.stack.url + path, timeout=30, **options)

    def get(self, path: str) -> requests.Response:
        return self.call("GET", path)

    def post(self, body: Any) -> requests.Response:
        return self.call("POST", "/tickets/v1/jobs", json=body)

    def submit(self, spec: str = SPEC, **options: Any) -> str:
        """Submits a spec and returns the job's id."""
        response = self.post(request(spec=spec, options=options))
        assert response.status_code == 202, response.text
        job_id: str = response.json()["job_id"]
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = self.get(f"/tickets/v1/jobs/{job_id}").json()
        return job

    def wait(
        self, job_id: str, *, until: Sequence[str] | set[str] = TERMINAL, within_s: float = 30
    ) -> dict[str, Any]:
        """The job, once its status is one of those waited for."""
        deadline = time.monotonic() + within_s
        while (job := self.job(job_id))["status"] not in until:
            assert time.monotonic() < deadline, f"still {job}"
            time.sleep(0.02)
        return job


class Stack:
    """The running processes, and the ways in."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self.folder = folder
        core, edge = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.environ = {
            **{key: value for key, value in os.environ.items() if _is_handed_on(key)},
            "TASKFORGE_DATA_DIR": str(folder),
            "TASKFORGE_SECRET_KEY": ROOT_SECRET,
            "TASKFORGE_CORE_BIND": core,
            "TASKFORGE_CORE_ADDR": core,
            "TASKFORGE_EDGE_BIND": edge,
            **_TIMING,
            **environ,
        }
        scheme = "https" if "TASKFORGE_EDGE_TLS_CERT" in environ else "http"
        self.url = f"{scheme}://{edge}"
        self.core = self._room("core", "core listens on")
        self.edge = self._room("edge", "edge listens on")
        self.worker = self._room("worker", "jobs at once")
        self._channel = open_channel(load(self.environ, read_text))

    def _room(self, name: str, ready: str) -> Room:
        return Room(name, self.environ, self.folder / f"{name}.log", ready)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs a `taskforge` command against this installation."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def logs(self) -> str:
        rooms = (self.core, self.edge, self.worker)
        return "".join(room.log.read_text(errors="replace") for room in rooms if room.log.exists())

    @property
    def operator(self) -> Metadata:
        return (("authorization", f"Bearer {tokens.operator_token(ROOT_SECRET)}"),)

    @property
    def worker_metadata(self) -> Metadata:
        return (("authorization", f"Bearer {tokens.worker_token(ROOT_SECRET)}"),)

    @cached_property
    def tickets(self) -> jobs_pb2_grpc.TicketsServiceStub:
        return jobs_pb2_grpc.TicketsServiceStub(self._channel)

    @cached_property
    def workers(self) -> worker_pb2_grpc.WorkerServiceStub:
        return worker_pb2_grpc.WorkerServiceStub(self._channel)

    @cached_property
    def clients(self) -> clients_pb2_grpc.ClientsServiceStub:
        return clients_pb2_grpc.ClientsServiceStub(self._channel)

    @cached_property
    def keys(self) -> keys_pb2_grpc.KeysServiceStub:
        return keys_pb2_grpc.KeysServiceStub(self._channel)

    @cached_property
    def jobs(self) -> admin_jobs_pb2_grpc.JobsServiceStub:
        return admin_jobs_pb2_grpc.JobsServiceStub(self._channel)

    @property
    def channel(self) -> grpc.Channel:
        return self._channel

    def caller(
        self,
        *,
        scopes: Sequence[str] = ALL_SCOPES,
        rate_limit: str | None = None,
        max_queued: int | None = None,
    ) -> Caller:
        """A new client with a key."""
        name = f"client {next(_numbers)}"
        client = self.clients.CreateClient(
            clients_pb2.CreateClientRequest(name=name),
            metadata=self.operator,
            # A channel to a core that was restarted may take a second to find it.
            wait_for_ready=True,
            timeout=_START_S,
        )
        if rate_limit is not None or max_queued is not None:
            limits = clients_pb2.ClientLimits(rate_limit=rate_limit, max_queued=max_queued)
            self.clients.UpdateClientLimits(
                clients_pb2.UpdateClientLimitsRequest(name=name, limits=limits),
                metadata=self.operator,
            )
        issued = self.keys.CreateKey(
            keys_pb2.CreateKeyRequest(client_name=name, scopes=scopes), metadata=self.operator
        )
        return Caller(self, name, client.client_id, issued.key.key_id, issued.api_key)


def _is_handed_on(variable: str) -> bool:
    """Our settings are not; and without what Python keeps each process compiles all code again."""
    return "TASKFORGE" not in variable and variable != "PYTHONDONTWRITEBYTECODE"


def request(**changes: Any) -> dict[str, Any]:
    """A valid submit body, with changes; None leaves a field out."""
    body = {
        "schema_version": "tickets.input.v1",
        "idempotency_key": str(uuid4()),
        "title": "Returns portal",
        "spec": SPEC,
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


@contextmanager
def running(
    environ: Mapping[str, str], folder: Path, rooms: Sequence[str] = ("core", "edge", "worker")
) -> Iterator[Stack]:
    """A migrated and started installation with these processes."""
    stack = Stack(environ, folder)
    migrated = stack.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    with ExitStack() as started:
        for name in rooms:
            room: Room = getattr(stack, name)
            room.start()
            started.callback(room.stop)
        yield stack
