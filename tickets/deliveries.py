"""The delivery of callbacks, as data: its statuses, its schedule, and what an answer means."""

from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

from tickets.lifecycle import Status


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryEvent(StrEnum):
    """What an attempt adds to the events of its job. A failure changes nothing else of the job."""

    DELIVERED = "callback_delivered"
    FAILED = "callback_failed"


# The waits between attempts, each give or take the jitter.
DELAYS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
ATTEMPTS = len(DELAYS) + 1
JITTER = 0.1
# A receiver that asks for more time than the longest wait is asked again all the same.
LONGEST_DELAY = max(DELAYS)


def event_type(status: Status) -> str:
    """What a callback says has happened to a job that ended like this."""
    return f"tickets.job.{status}"


def accepted(http_status: int | None) -> bool:
    """Whether the receiver took the callback; it gave no answer if the status is None."""
    return http_status is not None and HTTPStatus.OK <= http_status < HTTPStatus.MULTIPLE_CHOICES


def is_final(http_status: int | None, failures: int) -> bool:
    """Whether a failed attempt is the last one.

    Args:
        http_status: The receiver's answer, if it gave one. 410 means never again.
        failures: How many attempts have failed, this one included.
    """
    return http_status == HTTPStatus.GONE or failures >= ATTEMPTS


def delay(failures: int, asked: timedelta | None, jitter: float) -> timedelta:
    """How long to wait for the next attempt.

    Args:
        failures: How many attempts have failed, at least 1 and less than all.
        asked: What the receiver asked for, if it did.
        jitter: From -1 to 1.
    """
    scheduled = DELAYS[failures - 1] * (1 + JITTER * jitter)
    return max(scheduled, min(asked or timedelta(), LONGEST_DELAY))
