"""Notices that a client has hung up while its answer is being made, or waited for."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from worker.cancellation import Cancellation


@contextmanager
def cancelled_on_disconnect(client: socket.socket, cancellation: Cancellation) -> Iterator[None]:
    """Requests the cancellation when the client hangs up within the block."""
    ours, theirs = socket.socketpair()
    watcher = threading.Thread(target=_watch, args=(client, theirs, cancellation), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ours.close()
        watcher.join()
        theirs.close()


def _watch(client: socket.socket, block_ended: socket.socket, cancellation: Cancellation) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ)
        selector.register(block_ended, selectors.EVENT_READ)
        ready = {key.fileobj for key, _ in selector.select()}
    # Bytes from the client would be its next request, sent early; whether it
    # still listens then shows when the answer is written.
    if block_ended not in ready and _hung_up(client):
        cancellation.request()


def _hung_up(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True
