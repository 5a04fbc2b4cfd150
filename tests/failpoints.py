"""Crashes of a process between any two statements that it sends to its database.

A crash takes the connection along, as the end of the process would: what is
not committed is rolled back by the database. Steps are counted before each
BEGIN, statement and COMMIT, and after each COMMIT.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Crash(BaseException):
    """The process is gone."""


class Failpoints:
    """Makes this thread's use of a peewee database crash at a chosen step."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self._left: int | None = None
        self._dead = False
        opened.begin = self._stepping(opened.begin)
        opened.execute_sql = self._stepping(opened.execute_sql)
        opened.commit = self._stepping(opened.commit, after=True)
        opened.rollback = self._while_alive(opened.rollback)

    @contextmanager
    def crash_at(self, step: int | None) -> Iterator[None]:
        """Crashes at a step counted from 0, if there are as many; None: never."""
        self._left, self._dead = step, False
        try:
            yield
        finally:
            self._left, self._dead = None, False

    def _step(self) -> None:
        if self._left is None:
            return
        if self._left > 0:
            self._left -= 1
            return
        self._left, self._dead = None, True
        self._opened.connection().close()
        raise Crash

    def _stepping(self, call: Callable[..., Any], *, after: bool = False) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            self._step()
            answer = call(*args, **options)
            if after:
                self._step()
            return answer

        return run

    def _while_alive(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """A dead process rolls nothing back; its database does."""

        def run(*args: Any, **options: Any) -> Any:
            return None if self._dead else call(*args, **options)

        return run
