"""A process stops on SIGTERM, whichever of its threads the kernel gives the signal to."""

import ctypes
import signal
import sys
from pathlib import Path

import pytest

from tests.stack import Room, Stack
from tests.waiting import eventually


def last_thread(pid: int) -> int:
    return max(int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can signal one thread of another")
@pytest.mark.parametrize("name", ["worker", "edge", "core"])
def test_a_signal_that_another_thread_gets_stops_the_process(
    sqlite_stack: Stack, name: str
) -> None:
    room: Room = getattr(sqlite_stack, name)
    thread = last_thread(room.pid)
    assert thread != room.pid

    sent = ctypes.CDLL(None).tgkill(room.pid, thread, int(signal.SIGTERM))

    assert sent == 0
    try:
        eventually(lambda: not room.is_running)
        assert room.exit_code == 0
    finally:
        if room.is_running:
            room.kill()
        room.start()
