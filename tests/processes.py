"""Server processes that tests start.

Each has a free loopback port and a temporary folder, and is gone with the test run.
"""

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

START_TIMEOUT_S = 30
FOLDER_PREFIX = "taskforge-server-of-"

_STOP_TIMEOUT_S = 10
_LAUNCHER = Path(__file__).with_name("launch.py")
# A new database takes 0.03 s there; on a disk it took 0.05 to 0.4.
_MEMORY = Path("/dev/shm")
_PLENTY_BYTES = 4 * 1024**3
# Below those that systems give to outgoing connections and to who asks for any port: one that
# was free a moment ago stays free. Each is handed out once, by an iterator.
_PORTS = iter(random.sample(range(12_000, 32_000), 20_000))


class ServerError(Exception):
    """A server for tests cannot be found, started or stopped."""


@dataclass(kw_only=True)
class Process:
    """A server that we started. Its port is free when it first starts, and stays."""

    command: Callable[[int], list[str]]
    log: Path
    ready: str
    stop_signal: signal.Signals
    uid: int = 0
    gid: int = 0
    port: int = 0
    _running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    def start(self) -> None:
        """Returns when the server answers. A port that was just taken is tried again elsewhere."""
        for _ in range(5):
            port = self.port or free_port()
            if self._answers_on(port):
                self.port = port
                return
            if self.port or "in use" not in self._log_text():
                break
        raise ServerError(f"{self.command(port)[0]} did not start:\n{self._log_text()[-2000:]}")

    def stop(self, number: signal.Signals | None = None) -> None:
        """Ends the server, by its usual signal unless another is given."""
        if self._running is None:
            return
        self._running.send_signal(number or self.stop_signal)
        try:
            self._running.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._kill()
        self._running = None

    def _kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
        self._running = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def _answers_on(self, port: int) -> bool:
        with self.log.open("wb") as log:
            self._running = launch(
                self.command(port), log.fileno(), self.stop_signal, uid=self.uid, gid=self.gid
            )
        # Its own log says so, so that no stranger on that port is taken for it.
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._running.poll() is None and time.monotonic() < deadline:
            if self.ready in self._log_text():
                return True
            time.sleep(0.005)
        self._kill()
        return False

    def _log_text(self) -> str:
        return self.log.read_text(errors="replace")


def launch(
    command: list[str],
    output: int,
    stop_signal: signal.Signals,
    *,
    uid: int = 0,
    gid: int = 0,
    environ: Mapping[str, str] | None = None,
    folder: Path = Path("/"),
) -> subprocess.Popen[bytes]:
    """Starts a program that gets the signal when the thread that called this ends.

    Args:
        command: An absolute path and arguments.
        output: File descriptor for what the program prints.
        stop_signal: What ends the program at once.
        uid: Whom to run it as, when we are root.
        gid: The group of that user.
        environ: Its whole environment; None: ours.
        folder: Where it is run.
    """
    identity = [os.getpid(), int(stop_signal), uid, gid]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_LAUNCHER), *map(str, identity), *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        # Ctrl-C is for the tests, which stop their servers in order.
        start_new_session=True,
        cwd=folder,
        env=environ,
    )


def free_port() -> int:
    """A port of loopback that is ours until this process ends, whoever listens there and when."""
    for port in _PORTS:
        if _claim(port) and _can_be_listened_at(port):
            return port
    raise ServerError("no port of loopback is free")


def _claim(port: int) -> bool:
    """Takes the port before every other test process: its byte of a file is locked."""
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except BlockingIOError:
        return False
    return True


@cache
def _claims() -> int:
    """Open until the process ends, which is what ends its locks."""
    name = disk() / f"taskforge-ports-of-{os.getuid()}"
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _can_be_listened_at(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def disk() -> Path:
    """Where temporary files go; programs in it can be run."""
    return Path(tempfile.gettempdir())


def memory() -> Path:
    """Where a server's files are quickest: in memory, if the machine has plenty, else on disk."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _PLENTY_BYTES:
        return _MEMORY
    return disk()


@contextmanager
def temporary_folder(place: Path) -> Iterator[Path]:
    """A new folder; its name tells whose, so that a later run can clear it after a kill."""
    _clear_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_leftovers() -> None:
    for left in chain(disk().glob(f"{FOLDER_PREFIX}*"), _MEMORY.glob(f"{FOLDER_PREFIX}*")):
        if not _alive(int(left.name.removeprefix(FOLDER_PREFIX).partition("-")[0])):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
