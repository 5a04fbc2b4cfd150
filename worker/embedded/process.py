"""Starts the embedded model as a child process, and ends it."""

import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Self

from worker.embedded.engine import ModelUnavailable
from worker.embedded.server import ANY_PORT

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 5.0
PREFIX_OF_FAILURE = "error: "
ANNOUNCE = "--announce"


class EmbeddedModel:
    """A running embedded model. It ends with `stop`, or with this process.

    Attributes:
        url: Where it answers, such as `http://127.0.0.1:41234`.
        pid: Its process id.
    """

    def __init__(self, url: str, child: "subprocess.Popen[bytes]") -> None:
        self.url = url
        self.pid = child.pid
        self._child = child

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def stop(self) -> None:
        """Ends the process, by force if it lingers."""
        _stop(self._child)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    log_path: Path | None = None, *, bind: str = ANY_PORT, within_s: float = READY_WITHIN_S
) -> EmbeddedModel:
    """Starts the model and waits until it answers.

    Args:
        log_path: Gets the child's log lines, appended; None: this process's stderr.
        bind: HOST:PORT to listen on; with port 0 a free one.
        within_s: How long the start may take.

    Raises:
        ModelUnavailable: It did not start; the message says why.
    """
    if log_path is None:
        child = _spawn(bind, None)
    else:
        with log_path.open("ab") as log:
            child = _spawn(bind, log)
    try:
        return EmbeddedModel(_announced_url(child, within_s), child)
    except BaseException:
        _stop(child)
        raise


def _spawn(bind: str, log: IO[bytes] | None) -> "subprocess.Popen[bytes]":
    """The child. It holds the read end of a pipe from us, which ends when we do, however we do.

    The kernel's signal at a parent's death is no help: it comes when the
    starting thread ends. A process group of its own keeps Ctrl-C from it: who
    uses the model stops first, then the model.
    """
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        # -P: a folder named `worker` where the user happens to stand is not ours.
        [sys.executable, "-P", "-m", "worker.embedded", bind, ANNOUNCE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        process_group=0,
    )


def _announced_url(child: "subprocess.Popen[bytes]", within_s: float) -> str:
    line = _first_line(child, time.monotonic() + within_s)
    if line.startswith(PREFIX_OF_FAILURE):
        raise ModelUnavailable(line.removeprefix(PREFIX_OF_FAILURE))
    if not line:
        raise ModelUnavailable("The embedded model ended while it started; its log may say why.")
    return line


def _first_line(child: "subprocess.Popen[bytes]", deadline: float) -> str:
    """The line that the child writes when it is ready or has failed; empty when it ends."""
    assert child.stdout is not None  # noqa: S101 - it was asked for as a pipe
    with child.stdout as announcements, selectors.DefaultSelector() as selector:
        selector.register(announcements, selectors.EVENT_READ)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise ModelUnavailable("The embedded model took too long to start.")
        # The line is short and written at once, so it is all there.
        return announcements.readline().decode().strip()


def _stop(child: "subprocess.Popen[bytes]") -> None:
    if child.stdin is not None:
        child.stdin.close()
    child.terminate()
    try:
        child.wait(STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
