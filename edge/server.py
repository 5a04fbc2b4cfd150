"""Runs the edge under Granian: one serving process, many threads."""

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
from tickets import tls
from tickets.settings import Settings

log = logging.getLogger(__name__)

# Granian's serving process is a new one, with no logging set up.
_LOG_FORMAT = "%(asctime)s edge %(levelname)s %(name)s: %(message)s"


def serve(settings: Settings) -> None:
    """Runs the edge until SIGTERM or SIGINT, then lets requests in flight finish.

    Raises:
        SettingsError: A file that TLS needs is missing or wrong.
    """
    tls.check_edge(settings)
    tls.client(settings)
    host, _, port = settings.edge_bind.rpartition(":")
    server = Granian(
        "edge.app",
        address=host.strip("[]"),
        port=int(port),
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
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: Settings) -> Flask:
    """Makes the app in Granian's serving process, which must not outlive its parent."""
    _forget_environment()
    app = create_app(settings)
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    logging.basicConfig(level=settings.log_level.upper(), format=_LOG_FORMAT)
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
    """Tells that the edge listens, once it does: Granian opens its port after the app is made."""
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
