"""Times on the command line: how they are given and how they are printed."""

import re
from datetime import timedelta
from typing import Any

import click
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Span(click.ParamType[Duration]):
    """A length of time, such as 90d."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> Duration:
        if isinstance(value, Duration):
            return value
        match = re.fullmatch(r"(\d{1,9})([smhdw])", value)
        if match is None:
            self.fail(f"{value!r} is not a time such as 90d, 24h, 30m or 2s.", param, ctx)
        span = Duration()
        span.FromTimedelta(timedelta(**{_UNITS[match[2]]: int(match[1])}))
        return span


def time_json(time: Timestamp) -> str | None:
    """The time in RFC 3339; null for one that is not set, since none lies in 1970."""
    return time.ToJsonString() if time.seconds else None
