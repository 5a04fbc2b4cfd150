"""Runs the edge under Granian: one serving process, many threads."""

import errno
import logging
import os
import socket
import threading
import time
from functools import partial

from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from edge.app import create_app
from tickets import logs, tls
from tickets.settings import Settings

log = logging.getLogger(__name__)

# How long the serving process of an edge that was killed may hold the port; more than it takes
# to notice.
_ORPHAN_S = 3.0


class StartError(Exception):
    """The edge cannot start; the message says what to do."""


def serve(settings: Settings) -> None:
    """Runs the edge until SIGTERM or SIGINT, then lets requests in flight finish.

    Raises:
        StartError: Nobody can listen at the address.
        SettingsError: A file that TLS needs is missing or wrong.
    """
    tls.check_edge(settings)
    tls.client(settings)
    host, port = _free(settings.edge_bind)
    server = Granian(
        "edge.app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.edge_threads,
        workers_kill_timeout=round(settings.drain_s),
        respawn_failed_workers=True,
        websockets=False,
        log_enabled=False,
        ssl_cert=settings.edge_tls_cert,
        ssl_key=settings.edge_tls_key,
    )
    server.serve(target_loader=partial(_load, settings, os.getpid()), wrap_loader=False)


def _free(bind: str) -> tuple[str, int]:
    """IP address and port, which are all that Granian takes, once nobody else listens there.

    Granian would silently share the port with another edge, each getting some of the callers.
    """
    host, _, port = bind.rpartition(":")
    give_up_at = time.monotonic() + _ORPHAN_S
    while True:
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                host.strip("[]"), port, type=socket.SOCK_STREAM
            )[0]
            with socket.socket(family, kind) as attempt:
                # Calls that ended lately may hold it still; they do not mind.
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                attempt.bind(address)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE or time.monotonic() > give_up_at:
                raise _cannot_listen(bind, fault.strerror) from fault
            time.sleep(0.1)
        else:
            return str(address[0]), int(address[1])


def _cannot_listen(bind: str, cause: str | None) -> StartError:
    return StartError(f"TASKFORGE_EDGE_BIND: cannot listen at {bind}: {cause}")


def _load(settings: Settings, parent: int) -> Flask:
    """Makes the app in Granian's serving process, which must not outlive its parent."""
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    _forget_environment()
    app = create_app(settings)
    # This process is a new one, with no logging set up.
    logs.configure("edge", settings.log_level)
    threading.Thread(target=_announce, args=(settings,), daemon=True).start()
    return app


def _forget_environment() -> None:
    """Empties the process's environment, which has been read.

    Granian puts it into every request's environ, where `HTTP_PROXY` would pass
    for a header of the caller's, and secrets do not belong.
    """
    for name in os.environ.keys() - {"TZ"}:
        del os.environ[name]


def _announce(settings: Settings) -> None:
    """Tells that the edge listens, once it does: Granian opens its port after the app is made.

    Whoever accepts a connection there is this edge: nobody else did when it started.
    """
    scheme, address = ("https" if settings.edge_tls_cert else "http"), settings.edge_bind
    host, _, port = address.rpartition(":")
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            log.info("edge listens on %s://%s", scheme, address)
            return


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
