"""The one way a job changes its status: a conditional update by the domain's table.

The update, the client's counters, the event row and, when the job ends, the
delivery of its callback are one transaction of the verb that calls. The row
count decides who was first; a job that has ended never changes.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from peewee import SQL

from core import clock
from core.callbacks import announce
from core.models import Client, Job, JobEvent
from core.prepared import Insert, Statement, Update
from tickets.deliveries import DeliveryEvent
from tickets.lifecycle import LEASED, TERMINAL, Stage, Status, Verb, target


class Standing(NamedTuple):
    """Where a job stands, as far as verbs have to know before they move it."""

    id: UUID
    client_id: UUID
    status: str
    stage: str
    failures: int
    expires_at: int
    callback_url: str | None


# The columns of a standing, in order.
STANDING = (
    *(Job.id, Job.client, Job.status, Job.stage, Job.failures, Job.expires_at),
    Job.callback_url,
)

_UPDATE_JOB = Update(Job)
_INSERT_EVENT = Insert(JobEvent, "job", "at", "attempt", "verb", "status", "stage", "detail")


def move(
    job: Standing | Job,
    verb: Verb,
    source: Status,
    held: Mapping[str, Any] = MappingProxyType({}),
    *,
    detail: str = "",
    **changes: Any,
) -> bool:
    """Moves a job along one row of the table, if it is still in the source status.

    Args:
        job: The job as read; its client, attempt and stage go into the counters
            and the event. Left as it is.
        verb: What happens.
        source: The status that the job has to be in.
        held: What else has to be as it was, by column, such as the lease.
        detail: For the event.
        changes: Other columns to set, such as the stage or the lease.

    Returns:
        Whether it moved.
    """
    status = target(verb, source)
    at = clock.now()
    columns = {"status": status.value, "updated_at": at, **_timestamps(status, at), **changes}
    if not _UPDATE_JOB.rows(columns, {"id": job.id, "status": source.value, **held}):
        return False
    _count(job.client_id, source, status, at)
    stage = columns.get("stage", job.stage)
    # A heartbeat without news is no event.
    if verb is not Verb.HEARTBEAT or stage != job.stage:
        attempt = job.failures + 1
        record(job.id, verb, status, at, stage=stage, attempt=attempt, detail=detail)
    if status in TERMINAL and job.callback_url is not None:
        announce(job.id, job.client_id, job.callback_url, at)
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


def _count(client_id: UUID, source: Status, status: Status, at: int) -> None:
    """Keeps the client's counters of queued and running jobs in step, and when it was served."""
    queued = (status is Status.QUEUED) - (source is Status.QUEUED)
    running = (status in LEASED) - (source in LEASED)
    if running > 0:
        _counting(queued, running, served=True).run(at, client_id)
    elif queued or running:
        _counting(queued, running, served=False).run(client_id)


@cache
def _counting(queued: int, running: int, *, served: bool) -> Statement:
    """Adds to a client's counters."""
    counted = {
        Client.queued: Client.queued + SQL(str(queued)),
        Client.running: Client.running + SQL(str(running)),
    }
    if served:
        return Statement(
            lambda at, client_id: Client.update({**counted, Client.served_at: at}).where(
                Client.id == client_id
            ),
            parameters=[Client.served_at, Client.id],
        )
    return Statement(
        lambda client_id: Client.update(counted).where(Client.id == client_id),
        parameters=[Client.id],
    )
