"""Whether `taskforge up` is still starting: it holds its data folder locked until it is ready."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cli.output import say

_LOOK_S = 0.2
# Longer than anything that a start waits for.
_PATIENCE_S = 180


@contextmanager
def announced(folder: Path) -> Iterator[None]:
    """Lets others see that a start is under way; its end shows even when this process is killed."""
    held = os.open(folder, os.O_RDONLY)
    try:
        # Not every file system has locks, and a start needs none.
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_SH)
        yield
    finally:
        os.close(held)


def wait_for_end(folder: Path) -> None:
    """Returns once no start is under way in a data folder, or when that takes too long."""
    if not _is_under_way(folder):
        return
    say("TaskForge is starting; waiting until it is ready.")
    deadline = time.monotonic() + _PATIENCE_S
    while _is_under_way(folder) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def _is_under_way(folder: Path) -> bool:
    try:
        looking = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(looking, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(looking)
