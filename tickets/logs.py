"""How every process of ours logs: one line a record, and of a fault where it was, not what it said.

An exception's message may quote what it could not deal with: a spec, a ticket, a secret.
"""

import logging
import sys
import threading
import traceback
from types import TracebackType

log = logging.getLogger(__name__)

_Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


# What may log in detail. Other packages do so too, such as statements with their values.
_OURS = ("cli", "core", "edge", "model", "tickets", "worker")


def configure(process: str, level: str) -> None:
    """Sends this process's log to stderr.

    Args:
        process: Its name, which each line bears.
        level: The least that is logged, in any case.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s"))
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(number, logging.INFO), handlers=[handler])
    for name in _OURS:
        logging.getLogger(name).setLevel(number)
    threading.excepthook = _log_end


def _log_end(ended: threading.ExceptHookArgs) -> None:
    name = ended.thread.name if ended.thread else "unknown"
    log.error("thread %s ended by a fault", name, exc_info=ended.exc_value)


class Formatter(logging.Formatter):
    """Tells exceptions by their types and the lines of code that they passed."""

    def formatException(self, ei: _Fault) -> str:  # noqa: N802 - the base class's name
        return "\n".join(_told(ei[1])) if ei[1] else ""


def _told(fault: BaseException) -> list[str]:
    """The fault behind the one that it led to."""
    cause = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    lines = [line.rstrip("\n") for line in traceback.format_tb(fault.__traceback__)]
    kind = f"{type(fault).__module__}.{type(fault).__qualname__}".removeprefix("builtins.")
    before = [*_told(cause), "which led to"] if cause else []
    return [*before, "Traceback (most recent call last):", *lines, kind]
