"""What is sent when a job ends: a delivery, written together with the end itself."""

import threading
from uuid import uuid4

from core import clock
from core.database import database
from core.messages import job_response, result_url
from core.models import Delivery, Job
from tickets import callback_url
from tickets.codec import encode, to_json
from tickets.deliveries import DeliveryStatus, event_type
from tickets.lifecycle import Status

# Set when a delivery that is due has been committed; whoever wakes workers waits for it.
due = threading.Event()


def announce(job: Job, address: str, at: int) -> None:
    """Adds the delivery of a job that has just ended, in the transaction of its end.

    Args:
        job: As it has ended.
        address: Its callback URL.
        at: When it ended.
    """
    url = callback_url.filled(address, str(job.id))
    target = callback_url.target(url)
    Delivery.insert(
        id=uuid4(),
        job=job.id,
        client=job.client_id,
        url=url,
        receiver=f"{target.host}:{target.port}",
        body=_body(job, at),
        status=DeliveryStatus.PENDING.value,
        created_at=at,
        available_at=at,
    ).execute()
    signal_due()


def signal_due() -> None:
    """Has workers woken once this thread's transaction is committed."""
    database.after_commit(due.set)


def _body(job: Job, at: int) -> bytes:
    """The payload, made once: every attempt sends the same bytes."""
    return to_json(
        {
            "type": event_type(Status(job.status)),
            "timestamp": encode(clock.timestamp(at)),
            "data": {**encode(job_response(job)), "result_url": result_url(job.id)},
        }
    )
