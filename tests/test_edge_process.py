"""The edge's two processes: the port is theirs alone, and neither is left behind."""

from pathlib import Path

import requests

from tests.chaos.fleet import children
from tests.stack import Stack
from tests.waiting import eventually


def test_an_edge_does_not_share_the_port_of_another(sqlite_stack_without_worker: Stack) -> None:
    stack = sqlite_stack_without_worker
    address = stack.environ["TASKFORGE_EDGE_BIND"]

    done = stack.run("serve", "edge")

    assert done.returncode == 2
    assert f"TASKFORGE_EDGE_BIND: cannot listen at {address}" in done.stderr
    assert requests.get(f"{stack.url}/healthz", timeout=30).ok


def test_an_edge_that_is_killed_leaves_nothing_and_starts_again(tmp_path: Path) -> None:
    edge = Stack({}, tmp_path).edge
    edge.start()
    serving = children(edge.pid)

    edge.kill()
    edge.start()

    assert serving
    assert not any(is_there(pid) for pid in serving)
    edge.stop()


def test_an_edge_that_is_killed_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    edge = Stack({}, tmp_path).edge
    edge.launch()
    serving = eventually(lambda: children(edge.pid))

    edge.kill()

    eventually(lambda: not any(is_there(pid) for pid in serving))


def is_there(pid: int) -> bool:
    try:
        # One that has ended and that nobody has asked for is there only in name.
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
