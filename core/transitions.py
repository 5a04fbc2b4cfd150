"""The one way a job changes its status: a conditional update by the domain's table.

The update, the client's counters, the event row and, when the job ends, the
delivery of its callback are one transaction of the verb that calls. The row
count decides who was first; a job that has ended never changes.
"""

from typing import Any
from uuid import UUID

from peewee import Expression

from core import clock
from core.callbacks import announce
from core.models import Client, Job, JobEvent
from core.prepared import Insert
from tickets.deliveries import DeliveryEvent
from tickets.lifecycle import LEASED, TERMINAL, Stage, Status, Verb, target

_INSERT_EVENT = Insert(
    JobEvent,
    {
        "job": UUID(int=0),
        "at": 1,
        "attempt": 2,
        "verb": "1",
        "status": "2",
        "stage": "3",
        "detail": "4",
    },
)


def move(
    job: Job,
    verb: Verb,
    source: Status,
    *conditions: Expression,
    detail: str = "",
    **changes: Any,
) -> bool:
    """Moves a job along one row of the table, if it is still in the source status.

    Args:
        job: The job as read; its client, attempt and stage go into the counters
            and the event. Left as it is.
        verb: What happens.
        source: The status that the job has to be in.
        conditions: What else has to hold, such as whose lease it is.
        detail: For the event.
        changes: Other columns to set, such as the stage or the lease.

    Returns:
        Whether it moved.
    """
    status = target(verb, source)
    at = clock.now()
    columns = {"status": status.value, "updated_at": at, **_timestamps(status, at), **changes}
    moved = (
        Job.update(columns).where(Job.id == job.id, Job.status == source.value, *conditions)
    ).execute()
    if not moved:
        return False
    _count(job.client_id, source, status)
    stage = columns.get("stage", job.stage)
    # A heartbeat without news is no event.
    if verb is not Verb.HEARTBEAT or stage != job.stage:
        attempt = job.failures + 1
        record(job.id, verb, status, at, stage=stage, attempt=attempt, detail=detail)
    if status in TERMINAL and job.callback_url is not None:
        announce(Job.get_by_id(job.id), job.callback_url, at)
    return True


def record(
    job_id: UUID,
    verb: Verb | DeliveryEvent,
    status: Status,
    at: int,
    *,
    stage: str,
    attempt: int,
    detail: str = "",
) -> None:
    """Adds an event to a job's timeline."""
    _INSERT_EVENT.row(
        job=job_id,
        at=at,
        verb=verb.value,
        status=status.value,
        stage=stage,
        attempt=attempt,
        detail=detail,
    )


def _timestamps(status: Status, at: int) -> dict[str, Any]:
    """The columns that a status ties down, as the constraints of the table demand."""
    columns: dict[str, Any] = {}
    if status in TERMINAL:
        columns["ended_at"] = at
    if status not in LEASED:
        columns |= {"lease_expires_at": None, "progress": ""}
    if status is Status.QUEUED:
        columns |= {"lease_token": None, "worker_id": None, "stage": Stage.QUEUED.value}
    return columns


def _count(client_id: object, source: Status, status: Status) -> None:
    """Keeps the client's counters of queued and running jobs in step."""
    queued = (status is Status.QUEUED) - (source is Status.QUEUED)
    running = (status in LEASED) - (source in LEASED)
    if queued or running:
        Client.update(queued=Client.queued + queued, running=Client.running + running).where(
            Client.id == client_id
        ).execute()
