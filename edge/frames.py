"""Frames of HTTP/2 as bytes: RFC 9113, as much of it as a gRPC client needs."""

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
WINDOW_UPDATE, CONTINUATION = 8, 9
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 4, 5
REFUSED_STREAM = 7

# Bytes of a frame before its payload.
HEAD = 9
# Of a window before any settings, and at most.
FIRST_WINDOW, WIDEST_WINDOW = 65_535, 2**31 - 1
# The least that every peer takes, and the most that we do.
FRAME_SIZE = 16_384
LAST_STREAM = 2**31 - 1


class ProtocolError(Exception):
    """The server said what HTTP/2 does not allow, or ended the call without an answer."""


def frame(kind: int, flags: int, number: int, payload: bytes | memoryview) -> bytes:
    """A frame of a stream; of the connection, where the number is 0."""
    head = len(payload).to_bytes(3) + bytes((kind, flags)) + number.to_bytes(4)
    return b"".join((head, payload))


def settings(*pairs: tuple[int, int]) -> bytes:
    """What we ask of the peer."""
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window_update(grant: int) -> bytes:
    """Lets the peer send so many bytes more on the connection."""
    return frame(WINDOW_UPDATE, 0, 0, grant.to_bytes(4))


def unpadded(payload: bytes) -> bytes:
    """The payload of a frame that is padded.

    Raises:
        ProtocolError: There is more padding than payload.
    """
    if not payload or payload[0] >= len(payload):
        raise ProtocolError("a frame has more padding than room")
    return payload[1 : len(payload) - payload[0]]
