"""What a client does with its jobs: submit, get, list, cancel, fetch the result."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from google.protobuf.message import Message
from peewee import SQL, Field, Tuple

from core import clock
from core.access import Caller
from core.database import transaction
from core.messages import VIEW, JobView
from core.models import Client, Job, JobInput, JobResult
from core.page_tokens import Position
from core.prepared import Insert, Select, Statement
from core.transitions import STANDING, Standing, move, record
from tickets.errors import Reason, TaskForgeError
from tickets.lifecycle import TERMINAL, Stage, Status, Verb

FEATURE = "tickets"

# What a client is told to wait for a result, or for room in the queue.
_COME_BACK = timedelta(seconds=2)
_ROOM_BACK = timedelta(seconds=30)


class StoredResult(NamedTuple):
    """A result in one of its two forms, with the entity tag that both share."""

    tag: str
    content: bytes


_OWN_JOB = Select(
    JobView,
    VIEW,
    lambda job_id, client_id: Job.select(*VIEW).where(Job.id == job_id, Job.client == client_id),
    parameters=[Job.id, Client.id],
)
_OWN_STANDING = Select(
    Standing,
    STANDING,
    lambda job_id, client_id: Job.select(*STANDING).where(
        Job.id == job_id, Job.client == client_id
    ),
    parameters=[Job.id, Client.id],
)


def _result_form(content: Field) -> Select[StoredResult]:
    columns = (JobResult.etag, content)
    return Select(
        StoredResult,
        columns,
        lambda job_id: JobResult.select(*columns).where(JobResult.job == job_id),
        parameters=[Job.id],
    )


_DOCUMENT, _MESSAGE = _result_form(JobResult.document), _result_form(JobResult.message)


class Accepted(NamedTuple):
    """What a submit answers with, whether the job is new or not."""

    id: UUID
    status: str
    created_at: int
    content_hash: bytes


_ACCEPTED = (Job.id, Job.status, Job.created_at, Job.content_hash)
_REPLAYED = Select(
    Accepted,
    _ACCEPTED,
    lambda client_id, key_hash, feature: Job.select(*_ACCEPTED).where(
        Job.client == client_id, Job.idempotency_hash == key_hash, Job.feature == feature
    ),
    parameters=[Client.id, Job.idempotency_hash, Job.feature],
)
_INSERT_JOB = Insert(
    Job,
    *("id", "client", "feature", "idempotency_hash", "content_hash", "callback_url"),
    *("status", "stage", "progress", "failures", "lease_losses"),
    *("created_at", "updated_at", "available_at", "expires_at"),
    ignore_conflicts=True,
)
_INSERT_INPUT = Insert(JobInput, "job", "title", "spec", "options")
_TAKE_ROOM = Statement(
    lambda client_id, room: Client.update(queued=Client.queued + SQL("1")).where(
        Client.id == client_id, Client.queued < room
    ),
    parameters=[Client.id, Client.max_queued],
)


@dataclass(frozen=True, slots=True)
class Submission:
    """A checked request, with defaults filled in.

    Attributes:
        idempotency_key: The client's key.
        content: What is compared when the key comes again.
        options: A `TicketGenerationOptions`.
    """

    idempotency_key: str
    title: str
    spec: str
    options: Message
    callback_url: str | None
    content: bytes


def submit(caller: Caller, submission: Submission, ttl_s: float) -> tuple[Accepted, bool]:
    """Stores a job, or finds the one that the same key made before.

    Returns:
        The job, and whether it is new.

    Raises:
        TaskForgeError: IDEMPOTENCY_KEY_REUSED for other content under the same
            key, QUEUE_FULL.
    """
    key_hash = hashlib.sha256(submission.idempotency_key.encode()).digest()
    content_hash = hashlib.sha256(submission.content).digest()
    # Asked first, so that a replay takes no write lock.
    found = _REPLAYED.first(caller.client_id, key_hash, FEATURE)
    if found is None:
        job = Accepted(uuid4(), Status.QUEUED.value, clock.now(), content_hash)
        if _insert(caller, job, submission, key_hash, ttl_s):
            return job, True
        found = _REPLAYED.first(caller.client_id, key_hash, FEATURE)
    if found is None:
        raise RuntimeError("a job with this idempotency key came and went")
    if found.content_hash != content_hash:
        raise TaskForgeError(
            Reason.IDEMPOTENCY_KEY_REUSED,
            "idempotency_key: was used before with a different request",
        )
    return found, False


def get(caller: Caller, job_id: str) -> JobView:
    """The client's job.

    Raises:
        TaskForgeError: JOB_NOT_FOUND, also for another client's.
    """
    found = _OWN_JOB.first(_key(job_id), caller.client_id)
    if found is None:
        raise not_found()
    return found


def list_page(caller: Caller, size: int, after: Position | None) -> list[Job]:
    """Up to `size` jobs, newest first, that stand after a position in that order."""
    query = Job.select().where(Job.client == caller.client_id)
    if after is not None:
        # Compared as a pair, which the index answers; an OR of the two would be read from the top.
        position = Tuple(after.created_at, Job.id.db_value(after.job_id))
        query = query.where(Tuple(Job.created_at, Job.id) < position)
    return list(query.order_by(Job.created_at.desc(), Job.id.desc()).limit(size))


def cancel(caller: Caller, job_id: str) -> JobView:
    """Cancels a queued job; asks the worker of a running one to stop.

    Raises:
        TaskForgeError: JOB_NOT_FOUND, JOB_CANCELLED, NOT_CANCELLABLE.
    """
    while True:
        with transaction():
            job = _OWN_STANDING.first(_key(job_id), caller.client_id)
            if job is None:
                raise not_found()
            status = Status(job.status)
            if status in TERMINAL:
                raise _not_cancellable(status)
            if status is Status.CANCEL_REQUESTED or move(job, Verb.CANCEL, status):
                return get(caller, job_id)
        # Somebody else moved the job in between: look again.


def ended(caller: Caller, job_id: str) -> JobView:
    """The job, once it has ended.

    Raises:
        TaskForgeError: JOB_NOT_FOUND, RESULT_NOT_READY.
    """
    job = get(caller, job_id)
    if Status(job.status) not in TERMINAL:
        raise TaskForgeError(
            Reason.RESULT_NOT_READY,
            f"the result is not ready, the job is {job.status}",
            retry_after=_COME_BACK,
        )
    return job


def result_document(job_id: str) -> StoredResult | None:
    """The job's result as JSON; None when it ended without one."""
    return _DOCUMENT.first(_key(job_id))


def result_message(job_id: str) -> StoredResult | None:
    """The job's result as a serialized `TicketsResult`; None when it ended without one."""
    return _MESSAGE.first(_key(job_id))


def _insert(
    caller: Caller, job: Accepted, submission: Submission, key_hash: bytes, ttl_s: float
) -> bool:
    """Stores the job with its texts; False when its idempotency key was taken meanwhile."""
    with transaction() as work:
        if not _INSERT_JOB.row(
            id=job.id,
            client=caller.client_id,
            feature=FEATURE,
            idempotency_hash=key_hash,
            content_hash=job.content_hash,
            callback_url=submission.callback_url,
            status=job.status,
            stage=Stage.QUEUED.value,
            progress="",
            created_at=job.created_at,
            updated_at=job.created_at,
            available_at=job.created_at,
            expires_at=job.created_at + clock.micros(ttl_s),
            failures=0,
            lease_losses=0,
        ):
            work.rollback()
            return False
        if not take_room(caller.client_id, caller.max_queued):
            raise TaskForgeError(
                Reason.QUEUE_FULL,
                f"the client has {caller.max_queued} jobs queued, which is its limit",
                retry_after=_ROOM_BACK,
            )
        _INSERT_INPUT.row(
            job=job.id,
            title=submission.title,
            spec=submission.spec,
            options=submission.options.SerializeToString(),
        )
        record(
            job.id, Verb.SUBMIT, Status.QUEUED, job.created_at, stage=Stage.QUEUED.value, attempt=1
        )
    return True


def of_anybody(job_id: UUID) -> Job:
    """A job, whichever client's; for operators.

    Raises:
        TaskForgeError: JOB_NOT_FOUND.
    """
    job: Job | None = Job.get_or_none(Job.id == job_id)
    if job is None:
        raise not_found()
    return job


def take_room(client_id: UUID, room: int) -> bool:
    """Counts one more queued job of a client; False when it has as many as it may."""
    return bool(_TAKE_ROOM.run(client_id, room))


def not_found() -> TaskForgeError:
    """What is said of a job that is not there, or not the caller's."""
    return TaskForgeError(Reason.JOB_NOT_FOUND, "there is no such job")


def _key(job_id: str) -> str:
    """An id in the form in which Peewee hands it to databases, sooner than by way of a `UUID`."""
    return job_id.replace("-", "")


def _not_cancellable(status: Status) -> TaskForgeError:
    if status is Status.CANCELLED:
        return TaskForgeError(Reason.JOB_CANCELLED, "the job is cancelled already")
    return TaskForgeError(Reason.NOT_CANCELLABLE, f"the job is {status} and cannot be cancelled")
