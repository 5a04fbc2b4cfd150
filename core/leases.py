"""What a worker does with jobs: claim, heartbeat, complete, fail, release.

A worker holds a job under a lease, named by a token that it made. Every verb
is a conditional update over that token; what a stale token brings is dropped.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from peewee import OP, Expression

from core import clock
from core.database import row_locks, transaction
from core.models import Client, Job, JobInput, JobResult
from core.transitions import move
from tickets.errors import JobErrorCode, Reason, TaskForgeError
from tickets.lifecycle import Stage, Status, Verb
from tickets.settings import Settings

# The delay before the second attempt; each further one waits this many times longer.
_RETRY_GROWTH = 4

# The longest that the model's server can put an attempt off: one that is away
# fails a job within about two minutes.
_LONGEST_RETRY_S = 60.0

# How many clients' queues a claim looks into at once. One does, unless others
# claim at the same time.
_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class Lease:
    """What a report brings to prove that the job is still its worker's."""

    job_id: UUID
    token: UUID

    def holds(self) -> Expression:
        return Job.lease_token == self.token


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result as it is stored: for gRPC, for REST, and the ETag of the latter."""

    message: bytes
    document: bytes

    @property
    def etag(self) -> str:
        return hashlib.sha256(self.document).hexdigest()[:32]


def claim(worker_id: str, token: UUID, settings: Settings) -> tuple[Job, JobInput] | None:
    """Leases the next job to a worker; the same token gets the same job again."""
    with transaction():
        held: Job | None = Job.get_or_none(Job.lease_token == token)
        if held is None or held.status == Status.PROCESSING:
            job = held or _lease_next(worker_id, token, settings)
            return None if job is None else (job, JobInput.get_by_id(job.id))
        refusal = _refusal(Lease(held.id, token))
    raise refusal


def heartbeat(lease: Lease, stage: Stage | None, progress: str, settings: Settings) -> int:
    """Extends the lease and records what the worker is at.

    Returns:
        When the lease runs out now.
    """
    expires_at = clock.now() + clock.micros(settings.lease_s)
    changes: dict[str, Any] = {"lease_expires_at": expires_at, "progress": progress}
    if stage is not None:
        changes["stage"] = stage.value
    _report(lease, Verb.HEARTBEAT, changes, detail=progress)
    return expires_at


def check(lease: Lease) -> None:
    """Refuses what `complete` would refuse, before anybody looks at the result.

    Raises:
        TaskForgeError: LEASE_LOST, CANCEL_REQUESTED.
    """
    if Status(_held(lease).status) not in {Status.PROCESSING, Status.COMPLETED}:
        with transaction():
            refusal = _refusal(lease)
        raise refusal


def complete(lease: Lease, outcome: Outcome) -> None:
    """Stores the result and completes the job; repeating it with the same result succeeds."""
    with transaction():
        job = _held(lease)
        if job.status == Status.COMPLETED and _stored(job) == outcome.message:
            return
        if move(
            job,
            Verb.COMPLETE,
            Status.PROCESSING,
            lease.holds(),
            stage=Stage.COMPLETED.value,
        ):
            JobResult.insert(
                job=job.id, message=outcome.message, document=outcome.document, etag=outcome.etag
            ).execute()
            return
        refusal = _refusal(lease)
    raise refusal


def fail(
    lease: Lease,
    code: JobErrorCode,
    message: str,
    *,
    retryable: bool,
    retry_after: timedelta | None,
    settings: Settings,
) -> int | None:
    """Ends the attempt: queues the job again after a delay, or fails it for good.

    Returns:
        When the next attempt can begin; None when the job has failed.
    """
    detail = f"{code}: {message}"
    with transaction():
        job = _held(lease)
        if retryable and job.failures + 1 < settings.max_attempts:
            verb = Verb.RETRY
            delay = _retry_delay(job.failures, retry_after, settings)
            again_at: int | None = clock.now() + clock.micros(delay)
            changes: Mapping[str, Any] = {"failures": job.failures + 1, "available_at": again_at}
        else:
            verb, again_at, changes = Verb.FAIL, None, failure(code, message)
        if move(job, verb, Status.PROCESSING, lease.holds(), detail=detail, **changes):
            return again_at
        refusal = _refusal(lease)
    raise refusal


def release(lease: Lease) -> None:
    """Queues the job again at once; it costs no attempt."""
    _report(lease, Verb.RELEASE, {"available_at": clock.now()})


def failure(code: JobErrorCode, message: str) -> Mapping[str, Any]:
    """The columns of a job that has failed."""
    return {
        "stage": Stage.FAILED.value,
        "error_code": code.value,
        "error_message": message,
    }


def _lease_next(worker_id: str, token: UUID, settings: Settings) -> Job | None:
    """Takes the oldest claimable job of the client whose turn it is.

    The turn goes to the client with the fewest running jobs, then to the one
    that was served longest ago.
    """
    at = clock.now()
    lease = {
        "worker_id": worker_id,
        "lease_token": token,
        "lease_expires_at": at + clock.micros(settings.lease_s),
        "stage": Stage.PREPARING_PROMPT.value,
    }
    for client in _clients_by_turn(at):
        job = _oldest(client, at)
        if job is not None and move(job, Verb.CLAIM, Status.QUEUED, detail=worker_id, **lease):
            Client.update(served_at=at).where(Client.id == client.id).execute()
            return job
    return None


def _clients_by_turn(at: int) -> Iterator[Client]:
    """Clients with something to claim, unless another claim takes it at this moment.

    Each is asked for its oldest job. PostgreSQL would turn an `EXISTS` into a
    join with every job that waits.
    """
    waiting = Job.select(Job.id).where(Job.client == Client.id, _claimable(at))
    oldest = waiting.order_by(Job.created_at).limit(1)
    query = (
        Client.select(Client.id)
        .where(Client.queued > 0, Expression(oldest, OP.IS_NOT, None))
        .order_by(Client.running, Client.served_at, Client.id)
        .limit(_CANDIDATES)
    )
    for offset in count(step=_CANDIDATES):
        clients = list(query.offset(offset))
        yield from clients
        if len(clients) < _CANDIDATES:
            return


def _oldest(client: Client, at: int) -> Job | None:
    """The client's oldest claimable job that no other claim is taking at this moment."""
    query = (
        Job.select()
        .where(Job.client == client.id, _claimable(at))
        .order_by(Job.created_at)
        .limit(1)
    )
    found: Job | None = (query.for_update(skip_locked=True) if row_locks() else query).first()
    return found


def _claimable(at: int) -> Expression:
    return (Job.status == Status.QUEUED.value) & (Job.available_at <= at) & (Job.expires_at > at)


def _retry_delay(failures: int, retry_after: timedelta | None, settings: Settings) -> float:
    """Seconds until the next attempt: growing, and what the model's server asked for."""
    growing: float = settings.retry_delay_s * _RETRY_GROWTH**failures
    asked = retry_after.total_seconds() if retry_after else 0.0
    return max(growing, min(asked, _LONGEST_RETRY_S))


def _report(lease: Lease, verb: Verb, changes: Mapping[str, Any], detail: str = "") -> None:
    with transaction():
        job = _held(lease)
        if move(job, verb, Status.PROCESSING, lease.holds(), detail=detail, **changes):
            return
        refusal = _refusal(lease)
    raise refusal


def _held(lease: Lease) -> Job:
    """The job that the token was made for, in whatever status.

    Raises:
        TaskForgeError: LEASE_LOST; another worker may have the job by now.
    """
    job: Job | None = Job.get_or_none(Job.id == lease.job_id, lease.holds())
    if job is None:
        raise _lost()
    return job


def _refusal(lease: Lease) -> TaskForgeError:
    """Why a report could not be taken. Any report confirms a cancellation that is asked for."""
    job = _held(lease)
    confirmed = move(job, Verb.CONFIRM_CANCEL, Status.CANCEL_REQUESTED, lease.holds())
    # A report may be repeated: its answer, that this very job is cancelled, was lost.
    if confirmed or Status(_held(lease).status) is Status.CANCELLED:
        return TaskForgeError(Reason.CANCEL_REQUESTED, "the job has been cancelled")
    return _lost()


def _stored(job: Job) -> bytes:
    return bytes(JobResult.get_by_id(job.id).message)


def _lost() -> TaskForgeError:
    return TaskForgeError(Reason.LEASE_LOST, "the lease no longer holds the job")
