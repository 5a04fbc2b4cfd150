"""Runs programs as child processes: restarts one that dies, stops them in order."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from cli.failure import Failure, SettingsFailure
from cli.output import say
from cli.supervised import IN_ORDER

TICK_S = 0.1

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0
# Who has run this long has recovered.
_HEALTHY_S = 60
# Beyond the time to drain: for those that drain, and for all.
_LAST_REPORTS_S = 6
_STOP_S = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run.

    Attributes:
        name: For people.
        command: Its arguments; they hold no secret.
        environ: Its whole environment.
        needed_by_others: It is stopped when all others have ended.
        own_group: It cannot wait for its turn when the whole group gets a signal.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    needed_by_others: bool = False
    own_group: bool = False


class Supervisor:
    """The children of this process; what they print goes to `output`."""

    def __init__(self, output: IO[str]) -> None:
        self._output = output
        self._children: list[_Child] = []

    def start(self, program: Program) -> None:
        self._children.append(_Child(program, self._output))

    def tend(self) -> None:
        """Starts again what has died; to be called every `TICK_S`.

        Raises:
            Failure: A child's first start has failed in a way that no repetition mends.
        """
        for child in self._children:
            child.tend()

    def stop(self, drain_s: float) -> None:
        """Ends all children: first those that others do not need, who get time to drain."""
        for child in self._children:
            child.announce_stop()
        began = time.monotonic()
        for needed, patience in ((False, drain_s + _LAST_REPORTS_S), (True, drain_s + _STOP_S)):
            children = [
                child for child in self._children if child.program.needed_by_others is needed
            ]
            _end(children, began + patience)
        self._children.clear()


class _Child:
    """One program and the process that runs it now."""

    def __init__(self, program: Program, output: IO[str]) -> None:
        self.program = program
        self._output = output
        self._delay = _FIRST_DELAY_S
        self._restart_at: float | None = None
        self._restarts = 0
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            self.program.command,
            env=self.program.environ,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            process_group=0 if self.program.own_group else None,
        )

    def tend(self) -> None:
        code = self.process.poll()
        if code is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            self._restart_at = now + self._plan_restart(code, now - self._started)
        elif now >= self._restart_at:
            self._restart_at = None
            self._restarts += 1
            self._start()

    def _plan_restart(self, code: int, lived_s: float) -> float:
        """Says what has happened, and for how long to wait."""
        if code == SettingsFailure.exit_code and not self._restarts:
            raise SettingsFailure(f"{self.program.name} cannot start; see above")
        if lived_s >= _HEALTHY_S:
            self._delay = _FIRST_DELAY_S
        delay, self._delay = self._delay, min(self._delay * 2, _LONGEST_DELAY_S)
        say(f"{self.program.name} ended {_how(code)}; starting it again in {delay:g} s")
        return delay

    def announce_stop(self) -> None:
        """Tells the child that what comes is an orderly stop, so that it waits for its turn."""
        with suppress(OSError):
            if self.process.stdin:
                self.process.stdin.write(IN_ORDER)
                self.process.stdin.flush()

    def end_input(self) -> None:
        with suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()


def _end(children: Sequence[_Child], deadline: float) -> None:
    """Tells children to stop, and kills those that take too long."""
    for child in children:
        child.end_input()
    for child in children:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"{child.program.name} does not stop; killing it")
            child.process.kill()
            child.process.wait()


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"with exit code {code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"with exit code {code}"


def run_once(program: Program, output: IO[str]) -> None:
    """Runs a program to its end.

    Raises:
        Failure: It has not succeeded; its own message is in the output.
    """
    code = subprocess.run(  # noqa: S603 - our own program
        program.command,
        env=program.environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        check=False,
    ).returncode
    if code == SettingsFailure.exit_code:
        raise SettingsFailure(f"{program.name} cannot be done; see above")
    if code:
        raise Failure(f"{program.name} ended {_how(code)}")
