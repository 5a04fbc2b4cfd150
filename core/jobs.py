"""What a client does with its jobs: submit, get, list, cancel, fetch the result."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from google.protobuf.message import Message
from peewee import Expression, Tuple

from core import clock
from core.access import Caller
from core.database import transaction
from core.models import Client, Job, JobInput, JobResult
from core.page_tokens import Position
from core.prepared import Prepared
from core.transitions import move, record
from tickets.errors import Reason, TaskForgeError
from tickets.lifecycle import TERMINAL, Stage, Status, Verb

FEATURE = "tickets"

# What a client is told to wait for a result, or for room in the queue.
_COME_BACK = timedelta(seconds=2)
_ROOM_BACK = timedelta(seconds=30)

_OWN_JOB = Prepared(
    lambda job_id, client_id: Job.select().where(Job.id == job_id, Job.client == client_id),
    tables=[Job],
    parameters=[(Job.id, UUID(int=0)), (Client.id, UUID(int=0))],
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


def submit(caller: Caller, submission: Submission, ttl_s: float) -> tuple[Job, bool]:
    """Stores a job, or finds the one that the same key made before.

    Returns:
        The job, and whether it is new.

    Raises:
        TaskForgeError: IDEMPOTENCY_KEY_REUSED for other content under the same
            key, QUEUE_FULL.
    """
    key_hash = hashlib.sha256(submission.idempotency_key.encode()).digest()
    # Asked first, so that a replay takes no write lock.
    found = _replayed(caller, key_hash)
    if found is None:
        job = _new_job(caller, submission, key_hash, ttl_s)
        if _insert(caller, job, submission):
            return job, True
        found = _replayed(caller, key_hash)
    if found is None:
        raise RuntimeError("a job with this idempotency key came and went")
    if bytes(found.content_hash) != _content_hash(submission):
        raise TaskForgeError(
            Reason.IDEMPOTENCY_KEY_REUSED,
            "idempotency_key: was used before with a different request",
        )
    return found, False


def get(caller: Caller, job_id: str) -> Job:
    """The client's job.

    Raises:
        TaskForgeError: JOB_NOT_FOUND, also for another client's.
    """
    found = _OWN_JOB.first(UUID(job_id), caller.client_id)
    if found is None:
        raise TaskForgeError(Reason.JOB_NOT_FOUND, "there is no such job")
    job: Job = found[0]
    return job


def list_page(caller: Caller, size: int, after: Position | None) -> list[Job]:
    """Up to `size` jobs, newest first, that stand after a position in that order."""
    query = Job.select().where(Job.client == caller.client_id)
    if after is not None:
        # Compared as a pair, which the index answers; an OR of the two would be read from the top.
        position = Tuple(after.created_at, Job.id.db_value(after.job_id))
        query = query.where(Tuple(Job.created_at, Job.id) < position)
    return list(query.order_by(Job.created_at.desc(), Job.id.desc()).limit(size))


def cancel(caller: Caller, job_id: str) -> Job:
    """Cancels a queued job; asks the worker of a running one to stop.

    Raises:
        TaskForgeError: JOB_NOT_FOUND, JOB_CANCELLED, NOT_CANCELLABLE.
    """
    while True:
        with transaction():
            job = get(caller, job_id)
            status = Status(job.status)
            if status is Status.CANCEL_REQUESTED:
                return job
            if status in TERMINAL:
                raise _not_cancellable(status)
            if move(job, Verb.CANCEL, status):
                return get(caller, job_id)
        # Somebody else moved the job in between: look again.


def ended(caller: Caller, job_id: str) -> Job:
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


def result_tag(job: Job) -> str | None:
    """The entity tag of the job's result; None when it ended without one."""
    tag: str | None = JobResult.select(JobResult.etag).where(JobResult.job == job.id).scalar()
    return tag


def result_document(job: Job) -> bytes:
    """The job's result as JSON."""
    return bytes(JobResult.select(JobResult.document).where(JobResult.job == job.id).get().document)


def result_message(job: Job) -> bytes:
    """The job's result as a serialized `TicketsResult`."""
    return bytes(JobResult.select(JobResult.message).where(JobResult.job == job.id).get().message)


def _replayed(caller: Caller, key_hash: bytes) -> Job | None:
    found: Job | None = Job.get_or_none(
        Job.client == caller.client_id,
        Job.feature == FEATURE,
        Job.idempotency_hash == key_hash,
    )
    return found


def _content_hash(submission: Submission) -> bytes:
    return hashlib.sha256(submission.content).digest()


def _new_job(caller: Caller, submission: Submission, key_hash: bytes, ttl_s: float) -> Job:
    at = clock.now()
    return Job(
        id=uuid4(),
        client=caller.client_id,
        feature=FEATURE,
        idempotency_hash=key_hash,
        content_hash=_content_hash(submission),
        callback_url=submission.callback_url,
        status=Status.QUEUED.value,
        stage=Stage.QUEUED.value,
        created_at=at,
        updated_at=at,
        available_at=at,
        expires_at=at + clock.micros(ttl_s),
    )


def _insert(caller: Caller, job: Job, submission: Submission) -> bool:
    """Stores the job with its texts; False when its idempotency key was taken meanwhile."""
    with transaction() as work:
        inserted = Job.insert(job.__data__).on_conflict_ignore().as_rowcount().execute()
        if not inserted:
            work.rollback()
            return False
        if not _take_room(caller):
            raise TaskForgeError(
                Reason.QUEUE_FULL,
                f"the client has {caller.max_queued} jobs queued, which is its limit",
                retry_after=_ROOM_BACK,
            )
        JobInput.insert(
            job=job.id,
            title=submission.title,
            spec=submission.spec,
            options=submission.options.SerializeToString(),
        ).execute()
        record(job, Verb.SUBMIT, Status.QUEUED, job.created_at, stage=job.stage)
    return True


def _take_room(caller: Caller) -> bool:
    """Counts the job as queued, if the client has room."""
    own: Expression = Client.id == caller.client_id
    taken = (
        Client.update(queued=Client.queued + 1)
        .where(own, Client.queued < caller.max_queued)
        .execute()
    )
    return bool(taken)


def _not_cancellable(status: Status) -> TaskForgeError:
    if status is Status.CANCELLED:
        return TaskForgeError(Reason.JOB_CANCELLED, "the job is cancelled already")
    return TaskForgeError(Reason.NOT_CANCELLABLE, f"the job is {status} and cannot be cancelled")
