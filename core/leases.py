"""What a worker does with jobs: claim, heartbeat, complete, fail, release.

A worker holds a job under a lease, named by a token that it made. Every verb
is a conditional update over that token; what a stale token brings is dropped.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from core import attempts, choice, clock
from core.database import transaction
from core.models import Job, JobInput, JobResult
from core.prepared import Insert, Select
from core.transitions import STANDING, Standing, move
from tickets.errors import JobErrorCode, Reason, TaskForgeError
from tickets.lifecycle import Stage, Status, Verb
from tickets.settings import Settings

# The delay before the second attempt; each further one waits this many times longer.
_RETRY_GROWTH = 4

# The longest that the model's server can put an attempt off: one that is away
# fails a job within about two minutes.
_LONGEST_RETRY_S = 60.0

_BY_TOKEN = Select(
    Standing,
    STANDING,
    lambda token: Job.select(*STANDING).where(Job.lease_token == token),
    parameters=[Job.lease_token],
)
_HELD = Select(
    Standing,
    STANDING,
    lambda job_id, token: Job.select(*STANDING).where(Job.id == job_id, Job.lease_token == token),
    parameters=[Job.id, Job.lease_token],
)
_INSERT_RESULT = Insert(JobResult, "job", "message", "document", "etag")


class Texts(NamedTuple):
    """What was asked for. `options` is a serialized `TicketGenerationOptions`."""

    title: str
    spec: str
    options: bytes


_TEXT_COLUMNS = (JobInput.title, JobInput.spec, JobInput.options)
_TEXTS = Select(
    Texts,
    _TEXT_COLUMNS,
    lambda job_id: JobInput.select(*_TEXT_COLUMNS).where(JobInput.job == job_id),
    parameters=[Job.id],
)


@dataclass(frozen=True, slots=True)
class Lease:
    """What a report brings to prove that the job is still its worker's."""

    job_id: UUID
    token: UUID

    def held(self) -> Mapping[str, Any]:
        """What the job says for as long as it is held."""
        return {"lease_token": self.token}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result as it is stored: for gRPC, for REST, and the ETag of the latter."""

    message: bytes
    document: bytes

    @property
    def etag(self) -> str:
        return hashlib.sha256(self.document).hexdigest()[:32]


def claim(worker_id: str, token: UUID, settings: Settings) -> tuple[Standing, Texts] | None:
    """Leases the next job to a worker; the same token gets the same job again."""
    # A job whose claim a power cut has undone is still queued.
    with transaction(lasting=False):
        held = _BY_TOKEN.first(token)
        if held is None or held.status == Status.PROCESSING:
            job = held or _lease_next(worker_id, token, settings)
            return None if job is None else (job, _texts(job))
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


def complete(lease: Lease, outcome: Outcome, provenance: bytes = b"") -> None:
    """Stores the result and completes the job; repeating it with the same result succeeds."""
    with transaction():
        job = _held(lease)
        if job.status == Status.COMPLETED and _stored(job) == outcome.message:
            return
        if move(
            job,
            Verb.COMPLETE,
            Status.PROCESSING,
            lease.held(),
            stage=Stage.COMPLETED.value,
        ):
            _INSERT_RESULT.row(
                job=job.id, message=outcome.message, document=outcome.document, etag=outcome.etag
            )
            attempts.keep(job.id, job.failures + 1, Verb.COMPLETE, provenance)
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
    provenance: bytes = b"",
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
        if move(job, verb, Status.PROCESSING, lease.held(), detail=detail, **changes):
            attempts.keep(job.id, job.failures + 1, verb, provenance)
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


def _lease_next(worker_id: str, token: UUID, settings: Settings) -> Standing | None:
    at = clock.now()
    lease: dict[str, Any] = {
        "worker_id": worker_id,
        "lease_token": token,
        "lease_expires_at": at + clock.micros(settings.lease_s),
        "stage": Stage.PREPARING_PROMPT.value,
    }
    for job in choice.candidates(at):
        if move(job, Verb.CLAIM, Status.QUEUED, detail=worker_id, **lease):
            return job
    return None


def _texts(job: Standing) -> Texts:
    found = _TEXTS.first(job.id)
    if found is None:
        raise RuntimeError(f"the job {job.id} has no texts")
    return found


def _retry_delay(failures: int, retry_after: timedelta | None, settings: Settings) -> float:
    """Seconds until the next attempt: growing, and what the model's server asked for."""
    growing: float = settings.retry_delay_s * _RETRY_GROWTH**failures
    asked = retry_after.total_seconds() if retry_after else 0.0
    return max(growing, min(asked, _LONGEST_RETRY_S))


def _report(lease: Lease, verb: Verb, changes: Mapping[str, Any], detail: str = "") -> None:
    with transaction():
        job = _held(lease)
        if move(job, verb, Status.PROCESSING, lease.held(), detail=detail, **changes):
            return
        refusal = _refusal(lease)
    raise refusal


def _held(lease: Lease) -> Standing:
    """The job that the token was made for, in whatever status.

    Raises:
        TaskForgeError: LEASE_LOST; another worker may have the job by now.
    """
    job = _HELD.first(lease.job_id, lease.token)
    if job is None:
        raise _lost()
    return job


def _refusal(lease: Lease) -> TaskForgeError:
    """Why a report could not be taken. Any report confirms a cancellation that is asked for."""
    job = _held(lease)
    confirmed = move(job, Verb.CONFIRM_CANCEL, Status.CANCEL_REQUESTED, lease.held())
    # A report may be repeated: its answer, that this very job is cancelled, was lost.
    if confirmed or Status(_held(lease).status) is Status.CANCELLED:
        return TaskForgeError(Reason.CANCEL_REQUESTED, "the job has been cancelled")
    return _lost()


def _stored(job: Standing) -> bytes:
    return bytes(JobResult.get_by_id(job.id).message)


def _lost() -> TaskForgeError:
    return TaskForgeError(Reason.LEASE_LOST, "the lease no longer holds the job")
