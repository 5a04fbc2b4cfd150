"""What PostgreSQL connections are given, so that no call of core waits for ever.

A server or a network that is gone without a good-bye is not told by TCP alone:
one that still acknowledges and never answers looks alive. So each side also
has a clock of its own.
"""

import select
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2
from psycopg2 import extensions

# What the server gives one statement, waits for locks included, and a transaction whose core is
# silent, which may hold locks that others wait for.
_STATEMENT_MS = 5000
# What core gives the server to answer: longer, so that the server's own refusal comes first.
_ANSWER_S = 7.0

# A machine that is gone is noticed within about half a minute, also by an idle connection.
_KEEPALIVE = {"idle": 10, "interval": 5, "count": 3}

_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


def parameters(url: str, *, hurried: bool) -> Mapping[str, Any]:
    """Connection parameters beside those of a URL.

    Args:
        url: Its own `options` outrank ours.
        hurried: Statements have an end to their time.
    """
    options = {f"tcp_keepalives_{name}": value for name, value in _KEEPALIVE.items()}
    if hurried:
        options["statement_timeout"] = _STATEMENT_MS
        options["idle_in_transaction_session_timeout"] = _STATEMENT_MS
    own = parse_qs(urlsplit(url).query).get("options", [])
    return {
        "application_name": "taskforge-core",
        "connect_timeout": 5,
        **{f"keepalives_{name}": value for name, value in _KEEPALIVE.items()},
        "options": " ".join([*(f"-c {name}={value}" for name, value in options.items()), *own]),
    }


def hurry() -> None:
    """Has every connection of this process give up on a server that does not answer."""
    extensions.set_wait_callback(_wait)


def is_dead(connection: Any) -> bool:
    """Whether the server has hung up on a connection that nobody is using."""
    if connection.closed:
        return True
    if not _ready(connection, select.POLLIN, 0):
        return False
    # Nothing was asked, so what came is a good-bye, unless it is one of a few harmless notices.
    try:
        connection.cursor().execute("SELECT 1")
    except psycopg2.Error:
        return True
    return False


def _wait(connection: Any) -> None:
    """Waits for the server's answer; psycopg2 closes the connection when this raises."""
    deadline = monotonic() + _ANSWER_S
    while (state := connection.poll()) != extensions.POLL_OK:
        if not _ready(connection, _EVENTS[state], max(0.0, deadline - monotonic())):
            raise psycopg2.OperationalError(f"no answer from the server within {_ANSWER_S:g} s")


def _ready(connection: Any, events: int, seconds: float) -> bool:
    poller = select.poll()
    poller.register(connection.fileno(), events)
    return bool(poller.poll(seconds * 1000))
