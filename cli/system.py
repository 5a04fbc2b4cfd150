"""What TaskForge consists of on one machine: its processes, and what each is told."""

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from http import HTTPStatus
from typing import IO
from urllib.error import URLError

from cli import secret
from cli.failure import Failure, SettingsFailure
from cli.loopback import edge_url, opener
from cli.supervisor import TICK_S, Program, Supervisor, run_once
from tickets.settings import Settings, variable, written

_READY_S = 60
_PROBE_S = 2
_opener = opener()

# Which secrets a process is given. An URL counts as one, since it may hold a password.
_CORE_SECRETS = frozenset(
    {"secret_key", "operator_token", "worker_token", "database_url", "queue_url"}
)
_WORKER_SECRETS = frozenset({"worker_token", "queue_url"})
_NO_SECRETS: frozenset[str] = frozenset()


class StoppedError(Exception):
    """Somebody has asked to stop while the start was still going on."""


class System:
    """All processes of one machine, as one thing that starts, is tended and stops.

    What they print goes to `output`: stdout is for what people and scripts read.
    """

    def __init__(
        self, settings: Settings, stopping: Callable[[], bool], output: IO[str] = sys.stderr
    ) -> None:
        root = secret.find_or_make(settings)
        self.settings = secret.with_secrets(_with_ports(settings), root)
        self._stopping = stopping
        self._output = output
        self._supervisor = Supervisor(output)

    @property
    def url(self) -> str:
        """Where callers find this installation."""
        return edge_url(self.settings)

    def migrate(self) -> None:
        run_once(
            self._program("migrate", _CORE_SECRETS, command=["cli.main", "migrate"]), self._output
        )

    def start_model(self, bind: str) -> None:
        """Starts the embedded model, and returns when it is loaded."""
        model = self._program("model", _NO_SECRETS, command=["worker.embedded", bind])
        self._supervisor.start(replace(model, needed_by_others=True, own_group=True))
        self._wait_for(f"http://{bind}/api/version", "the embedded model")

    def start_servers(self, settings: Settings) -> None:
        """Starts core, edge and worker, and returns when the edge answers through core."""
        self.settings = settings
        for program in (
            replace(self._program("core", _CORE_SECRETS), needed_by_others=True),
            self._program("edge", _NO_SECRETS),
            self._program("worker", _WORKER_SECRETS),
        ):
            self._supervisor.start(program)
        self._wait_for(f"{self.url}/readyz", "TaskForge")

    def run(self) -> None:
        """Keeps everything running until it is time to stop."""
        while not self._stopping():
            self._supervisor.tend()
            time.sleep(TICK_S)

    def stop(self) -> None:
        self._supervisor.stop(self.settings.drain_s)

    def _wait_for(self, url: str, what: str) -> None:
        deadline = time.monotonic() + _READY_S
        while not _answers(url):
            if self._stopping():
                raise StoppedError
            if time.monotonic() > deadline:
                raise Failure(f"{what} is not ready after {_READY_S} s; see above")
            self._supervisor.tend()
            time.sleep(TICK_S)

    def _program(
        self,
        name: str,
        secrets: frozenset[str],
        command: list[str] | None = None,
    ) -> Program:
        arguments = command or ["cli.main", "serve", name, "--supervised"]
        return Program(
            name=name,
            # -P: the folder that we are called in may hold a `core` of its own.
            command=[sys.executable, "-P", "-m", *arguments],
            environ=_environ(self.settings, secrets, os.environ),
        )


def free_address() -> str:
    """An address on loopback that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def _environ(
    settings: Settings, secrets: frozenset[str], inherited: Mapping[str, str]
) -> dict[str, str]:
    """The environment of a child: the settings, with no other secrets than these."""
    environ = {name: value for name, value in inherited.items() if "TASKFORGE_" not in name}
    for declared in fields(settings):
        value = getattr(settings, declared.name)
        if value is None or (declared.metadata["secret"] and declared.name not in secrets):
            continue
        environ[variable(declared)] = written(value)
    return environ


def _with_ports(settings: Settings) -> Settings:
    """The settings with free ports for 0, when the others can be had."""
    core, edge = _port(settings, "core_bind"), _port(settings, "edge_bind")
    core_addr = core if settings.core_bind != core else settings.core_addr
    return replace(settings, core_bind=core, core_addr=core_addr, edge_bind=edge)


def _port(settings: Settings, name: str) -> str:
    """The address, which nobody else listens at."""
    address: str = getattr(settings, name)
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        with socket.create_server((host.strip("[]"), int(port)), family=family) as listener:
            return f"{host}:{listener.getsockname()[1]}"
    except OSError as fault:
        # Not its own text, which names the address once more.
        cause = os.strerror(fault.errno) if fault.errno else fault
        raise SettingsFailure(
            f"TASKFORGE_{name.upper()}: cannot listen at {address}: {cause}"
        ) from None


def _answers(url: str) -> bool:
    try:
        with _opener.open(url, timeout=_PROBE_S) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False
