"""What `taskforge doctor` finds: a check's outcome, and the command that mends a fault."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found.

    Attributes:
        name: What was looked at.
        ok: Whether it is as it should be.
        detail: What was found.
        remedy: The command that mends it; None when nothing is wrong.
        machine: Where to run that; None: here.
    """

    name: str
    ok: bool
    detail: str
    remedy: str | None = None
    machine: str | None = None


class FaultError(Exception):
    """A check has found something wrong."""

    def __init__(self, detail: str, remedy: str, machine: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.machine = machine


def checked(name: str, look: Callable[[], str]) -> Check:
    """The outcome of a look, which tells what it has found or raises a `FaultError`."""
    try:
        return Check(name, ok=True, detail=look())
    except FaultError as fault:
        return Check(
            name, ok=False, detail=fault.detail, remedy=fault.remedy, machine=fault.machine
        )
