"""Runs the `taskforge` command from outside, as people do."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY_S = 60
STOP_S = 35

Environ = Mapping[str, str]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "cli.main", *arguments]


def environ(**changes: str) -> dict[str, str]:
    """This environment without its own TaskForge, and with these variables."""
    inherited = {name: value for name, value in os.environ.items() if "TASKFORGE" not in name}
    return inherited | changes


def run(
    *arguments: str, env: Environ | None = None, given: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end, without a terminal."""
    return subprocess.run(
        command(*arguments),
        env=environ() if env is None else env,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        check=False,
    )


def run_json(*arguments: str, env: Environ) -> Any:
    done = run(*arguments, "--json", env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@dataclass
class Up:
    """A running `taskforge up`, in a process group of its own."""

    process: subprocess.Popen[str]
    env: dict[str, str]
    lines: list[str]
    log: Path

    @property
    def url(self) -> str:
        return self.env["TASKFORGE_URL"]

    def pids(self, role: str) -> list[int]:
        """The processes that serve a role."""
        return [pid for pid, words in members(self.process.pid).items() if f"serve {role}" in words]

    def end(self) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(STOP_S)


@contextmanager
def up(folder: Path, **settings: str) -> Iterator[Up]:
    """`taskforge up`, ready, on free ports unless they are set; what is left of it is killed."""
    own = {
        "TASKFORGE_DATA_DIR": str(folder / "data"),
        "TASKFORGE_CORE_BIND": "127.0.0.1:0",
        "TASKFORGE_EDGE_BIND": "127.0.0.1:0",
    }
    env = environ(**own | settings)
    log = folder / "up.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command("up"),
            env=env,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    try:
        lines = _first_lines(process, log)
        exported = dict(re.findall(r"export (TASKFORGE_\w+)=([^$\s]+)\n", "".join(lines)))
        yield Up(process, env | exported, lines, log)
    finally:
        if members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def _first_lines(process: subprocess.Popen[str], log: Path) -> list[str]:
    """What `up` prints when it is ready, up to the command that submits."""
    assert process.stdout
    lines: list[str] = []
    while not lines or "tickets submit" not in lines[-1]:
        line = process.stdout.readline()
        assert line, log.read_text()
        lines.append(line)
    return lines


def members(group: int) -> dict[int, str]:
    """The living processes of a process group, by id, with their command lines."""
    listed = subprocess.run(
        ["ps", "-e", "-ww", "-o", "pid=,pgid=,stat=,args="],
        capture_output=True,
        text=True,
        check=True,
    )
    found = (line.split(None, 3) for line in listed.stdout.splitlines())
    return {
        int(pid): args
        for pid, pgid, stat, args in found
        if int(pgid) == group and not stat.startswith("Z")
    }
