"""TLS in front of a server that has none: PostgreSQL's and Redis's, as their clients expect it."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104


@contextmanager
def tls_front(port: int, certificate: Path, key: Path, *, postgres: bool = False) -> Iterator[int]:
    """The port that speaks TLS, and passes what it hears on to a port on loopback.

    Args:
        port: The server without TLS.
        certificate: What the front shows.
        key: Of the certificate.
        postgres: The client asks for TLS in PostgreSQL's own words first.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(
            target=_accept, args=(listener, context, port, postgres), daemon=True
        ).start()
        yield listener.getsockname()[1]
        # Wakes the thread that accepts.
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int, postgres: bool) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(
                target=_serve, args=(client, context, port, postgres), daemon=True
            ).start()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int, postgres: bool) -> None:
    # A client that does not trust us, or speaks no TLS, is one that hangs up.
    with client, contextlib.suppress(OSError):
        if postgres:
            _agree(client)
        with (
            context.wrap_socket(client, server_side=True) as encrypted,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            encrypted.settimeout(0.02)
            server.settimeout(0.02)
            while _pass_on(encrypted, server) and _pass_on(server, encrypted):
                pass


def _agree(client: socket.socket) -> None:
    """Until TLS is asked for, which PostgreSQL answers with a letter."""
    while True:
        _, code = struct.unpack("!II", client.recv(8, socket.MSG_WAITALL))
        if code == _SSL_REQUEST:
            client.sendall(b"S")
            return
        if code != _GSS_REQUEST:
            raise ConnectionAbortedError("the client speaks no TLS")
        client.sendall(b"N")


def _pass_on(source: socket.socket, target: socket.socket) -> bool:
    """Whether the source is still there."""
    try:
        data = source.recv(65536)
    except TimeoutError:
        return True
    target.settimeout(None)
    target.sendall(data)
    target.settimeout(0.02)
    return bool(data)
