"""HTTP as bytes on a socket, for requests that no well-behaved client would send."""

import socket
from collections.abc import Iterable
from http.client import HTTPResponse

from tests.stack import Caller

_TIMEOUT_S = 30


def head(caller: Caller, *headers: str) -> bytes:
    """The beginning of a submit request with a key, up to its body."""
    lines = [
        "POST /tickets/v1/jobs HTTP/1.1",
        f"Host: {address(caller)}",
        f"Authorization: Bearer {caller.key}",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    """A piece of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def exchange(caller: Caller, pieces: Iterable[bytes]) -> tuple[int, bytes]:
    """Sends pieces until the edge answers or they are used up; the status and the body."""
    host, _, port = address(caller).rpartition(":")
    with socket.create_connection((host, int(port)), timeout=_TIMEOUT_S) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough; its answer can still be read
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def address(caller: Caller) -> str:
    return caller.stack.url.removeprefix("http://")
