"""Callers' commands: submit, watch, fetch, cancel, and what Ctrl-C does."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.cli_running import command
from tests.stack import SPEC, Caller
from tests.waiting import eventually
from tickets.validation import result_problems

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "spec.md"
    path.write_text(SPEC)
    return str(path)


@pytest.fixture
def slow_job(caller: Caller) -> Iterator[str]:
    """A job whose model never answers."""
    job_id = caller.submit(spec=f"{SPEC}\n\n[[peer: hang]]")
    caller.wait(job_id, until={"processing"})
    yield job_id
    caller.call("DELETE", f"/tickets/v1/jobs/{job_id}")


def env(caller: Caller) -> dict[str, str]:
    return {
        **caller.stack.environ,
        "TASKFORGE_URL": caller.stack.url,
        "TASKFORGE_API_KEY": caller.key,
    }


def run(
    caller: Caller, *arguments: str, given: str = "", **changes: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("tickets", *arguments),
        env=env(caller) | changes,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_submit_wait_out_writes_a_valid_result(caller: Caller, spec: str, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    done = run(caller, "submit", spec, "--title", "Returns", "--wait", "--out", str(out))
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    assert result_problems(result) == []
    assert [path.name for path in tmp_path.iterdir()] in (
        ["spec.md", "result.json"],
        ["result.json", "spec.md"],
    )
    for ticket in result["tickets"]:
        assert ticket["external_id"] in done.stdout
    assert "completed" in done.stderr
    assert caller.key not in done.stdout + done.stderr + caller.stack.logs()


def test_json_is_alone_on_stdout(caller: Caller, spec: str) -> None:
    accepted = json.loads(run(caller, "submit", spec, "--title", "Returns", "--json").stdout)
    assert {"job_id", "status", "status_url", "result_url", "created_at"} <= set(accepted)
    job_id = accepted["job_id"]
    done = run(caller, "result", job_id, "--wait", "--json")
    assert json.loads(done.stdout)["job_id"] == job_id
    job = json.loads(run(caller, "status", job_id, "--json").stdout)
    assert job["status"] == "completed"
    assert json.loads(run(caller, "list", "--json").stdout) == {"jobs": [job]}


def test_without_json_submit_prints_the_id_alone(caller: Caller) -> None:
    done = run(caller, "submit", "-", "--title", "Returns", given=SPEC)
    assert re.fullmatch(r"[0-9a-f-]{36}\n", done.stdout)
    assert done.stdout.strip() in run(caller, "list").stdout


def test_options_reach_the_server(caller: Caller, spec: str) -> None:
    done = run(caller, "submit", spec, "--title", "R", "--count", "9", "--max", "3")
    assert done.returncode == 1
    assert "invalid_request" in done.stderr
    assert "ticket_count" in done.stderr
    assert re.search(r"request \S+", done.stderr)
    asked = ("--count", "2", "--no-epics", "--detail", "compact", "--wait", "--json")
    result = json.loads(run(caller, "submit", spec, "--title", "R", *asked).stdout)
    assert len(result["tickets"]) == 2
    assert not any(ticket["parent_external_id"] for ticket in result["tickets"])


def test_each_submit_is_a_new_job_unless_a_key_is_given(caller: Caller, spec: str) -> None:
    def submit(*options: str) -> str:
        return run(caller, "submit", spec, "--title", "R", *options).stdout

    assert submit() != submit()
    assert submit("--idempotency-key", "k") == submit("--idempotency-key", "k")


def test_a_refused_call_ends_with_1(caller: Caller) -> None:
    done = run(caller, "status", UNKNOWN)
    assert done.returncode == 1
    assert "job_not_found" in done.stderr
    done = run(caller, "list", TASKFORGE_API_KEY="tfk_wrong")
    assert done.returncode == 1
    assert "unauthorized" in done.stderr
    assert "tfk_wrong" not in done.stderr


def test_a_cancelled_job_has_no_result(caller: Caller, slow_job: str) -> None:
    assert run(caller, "result", slow_job).returncode == 4
    done = run(caller, "cancel", slow_job)
    assert done.returncode == 0
    assert "cancel" in done.stdout
    done = run(caller, "result", slow_job, "--wait")
    assert done.returncode == 1
    assert "cancelled" in done.stderr


def test_ctrl_c_without_a_terminal_leaves_the_job_and_says_how_to_go_on(
    caller: Caller, slow_job: str
) -> None:
    waiting = subprocess.Popen(
        command("tickets", "result", slow_job, "--wait"),
        env=env(caller),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(1.5)
    os.killpg(waiting.pid, signal.SIGINT)
    _, messages = waiting.communicate(timeout=10)
    assert waiting.returncode == 130
    assert f"taskforge tickets result {slow_job} --wait" in messages
    assert "Cancel" not in messages
    assert caller.job(slow_job)["status"] == "processing"


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([b"y\n"], {"cancelled", "cancel_requested"}),
        ([b"n\n"], {"processing"}),
        ([b"\x03"], {"processing"}),
    ],
    ids=["yes", "no", "a second Ctrl-C"],
)
def test_ctrl_c_on_a_terminal_offers_to_cancel(
    caller: Caller, slow_job: str, answers: Sequence[bytes], status: set[str]
) -> None:
    with terminal(caller, "tickets", "result", slow_job, "--wait") as (process, screen, keyboard):
        eventually(lambda: "generating tickets" in screen())
        os.write(keyboard, b"\x03")
        eventually(lambda: "Cancel the job?" in screen())
        for answer in answers:
            os.write(keyboard, answer)
        eventually(lambda: screen() and process.poll() is not None)
    assert process.returncode == 130
    assert caller.job(slow_job)["status"] in status


@contextmanager
def terminal(
    caller: Caller, *arguments: str
) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str], int]]:
    """Runs a command on a terminal; gives the process, what it has shown, and the keyboard."""
    keyboard, other_end = pty.openpty()
    os.set_blocking(keyboard, False)
    process = subprocess.Popen(
        [sys.executable, "-c", _ON_TERMINAL, os.ttyname(other_end), *command(*arguments)],
        env=env(caller) | {"TERM": "xterm"},
        start_new_session=True,
    )
    shown = bytearray()

    def screen() -> str:
        with suppress(OSError):
            shown.extend(os.read(keyboard, 65536))
        return shown.decode(errors="replace")

    try:
        yield process, screen, keyboard
    finally:
        process.kill()
        process.wait()
        os.close(other_end)
        os.close(keyboard)


# A session's first terminal becomes the one whose Ctrl-C it gets.
_ON_TERMINAL = """
import os, sys
terminal = os.open(sys.argv[1], os.O_RDWR)
for number in range(3):
    os.dup2(terminal, number)
os.execv(sys.argv[2], sys.argv[2:])
"""
