"""What is sent when a job ends: a delivery, written together with the end itself."""

import threading
from uuid import UUID, uuid4

from core import clock
from core.database import database
from core.messages import VIEW, JobView, job_response, result_url
from core.models import Delivery, Job
from core.prepared import Insert, Select
from tickets import callback_url
from tickets.codec import encode, to_json
from tickets.deliveries import DeliveryStatus, event_type
from tickets.lifecycle import Status

# Set when a delivery that is due has been committed; whoever wakes workers waits for it.
due = threading.Event()

_VIEW_OF = Select(
    JobView, VIEW, lambda job_id: Job.select(*VIEW).where(Job.id == job_id), parameters=[Job.id]
)
_INSERT_DELIVERY = Insert(
    Delivery,
    *("id", "job", "client", "url", "receiver", "body", "status", "created_at", "available_at"),
    *("failures", "lease_losses"),
)


def announce(job_id: UUID, client_id: UUID, address: str, at: int) -> None:
    """Adds the delivery of a job that has just ended, in the transaction of its end.

    Args:
        job_id: The job.
        client_id: Whose it is.
        address: Its callback URL.
        at: When it ended.
    """
    url = callback_url.filled(address, str(job_id))
    target = callback_url.target(url)
    _INSERT_DELIVERY.row(
        id=uuid4(),
        job=job_id,
        client=client_id,
        url=url,
        receiver=f"{target.host}:{target.port}",
        body=_body(job_id, at),
        status=DeliveryStatus.PENDING.value,
        created_at=at,
        available_at=at,
        failures=0,
        lease_losses=0,
    )
    signal_due()


def signal_due() -> None:
    """Has workers woken once this thread's transaction is committed."""
    database.after_commit(due.set)


def _body(job_id: UUID, at: int) -> bytes:
    """The payload, made once: every attempt sends the same bytes."""
    job = _VIEW_OF.first(job_id)
    if job is None:
        raise RuntimeError("a job that is not there cannot end")
    return to_json(
        {
            "type": event_type(Status(job.status)),
            "timestamp": encode(clock.timestamp(at)),
            "data": {**encode(job_response(job_id, job)), "result_url": result_url(job_id)},
        }
    )
