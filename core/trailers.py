"""Trailing metadata that a servicer adds to its answer."""

from contextvars import ContextVar

_added: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("trailers", default=())


def begin() -> None:
    """Forgets what the call before on this thread has added."""
    _added.set(())


def add(key: str, value: str) -> None:
    _added.set((*_added.get(), (key, value)))


def added() -> tuple[tuple[str, str], ...]:
    return _added.get()
