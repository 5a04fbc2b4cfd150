"""Page tokens: where a page of jobs ended, opaque to whoever carries them."""

import base64
import binascii
import struct
from dataclasses import dataclass
from uuid import UUID

from tickets.errors import FieldProblem, TaskForgeError

_FORMAT = struct.Struct(">q16s")


@dataclass(frozen=True, slots=True)
class Position:
    """The last job of a page."""

    created_at: int
    job_id: UUID


def encode(position: Position) -> str:
    packed = _FORMAT.pack(position.created_at, position.job_id.bytes)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(token: str) -> Position | None:
    """The position that a token names; None for the empty token, the first page.

    Raises:
        TaskForgeError: INVALID_ARGUMENT; the token is not one of ours.
    """
    if not token:
        return None
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        created_at, job_id = _FORMAT.unpack(packed)
    except (binascii.Error, struct.error, ValueError) as fault:
        raise _unknown() from fault
    position = Position(created_at, UUID(bytes=job_id))
    if created_at < 0 or encode(position) != token:
        raise _unknown()  # another spelling, such as with padding
    return position


def _unknown() -> TaskForgeError:
    return TaskForgeError.invalid(
        FieldProblem("page_token", "is not a token that a list has returned")
    )
