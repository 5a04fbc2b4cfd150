"""Core's clock: UTC in whole microseconds, as the database stores it."""

import time
from datetime import timedelta

from google.protobuf.timestamp_pb2 import Timestamp


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def micros(span: timedelta | float) -> int:
    """A span, given as such or in seconds, in microseconds."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    return round(seconds * 1_000_000)


def put(field: Timestamp, at: int) -> None:
    """Sets a field of a message to a stored time; half the work of giving it a message."""
    field.seconds, micros_over = divmod(at, 1_000_000)
    field.nanos = micros_over * 1000


def timestamp(at: int) -> Timestamp:
    """A stored time for the wire."""
    made = Timestamp()
    put(made, at)
    return made
