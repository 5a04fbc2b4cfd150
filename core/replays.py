"""Running a job again beside the first, for operators to compare.

A replay is a job like any other, of a client of its own that nobody has a key
for. So it takes no queue room or turn of the first one's client, and none of
that client's calls finds it.
"""

import hashlib
from collections.abc import Sequence
from uuid import UUID, uuid4

from peewee import Expression, fn

from core import clock, jobs
from core.database import transaction
from core.models import REPLAYS_CLIENT_ID, Client, Job, JobInput, JobReplay
from core.transitions import record
from tickets.errors import Reason, TaskForgeError
from tickets.lifecycle import Stage, Status, Verb
from tickets.settings import Settings

# No operator can make a client of this name.
_CLIENT_NAME = "(replays)"


def start(job_id: UUID, model: str, settings: Settings) -> Job:
    """Queues a job that does again what another one did, or was to do.

    It expires with the other one's retention at the latest, so that no text
    outlives it.

    Args:
        job_id: The other job, or a replay of it.
        model: What to use; empty: whichever the worker uses.
        settings: How long jobs live, and how many replays may wait.

    Raises:
        TaskForgeError: JOB_NOT_FOUND, JOB_NOT_ENDED, QUEUE_FULL.
    """
    with transaction():
        original = _original(job_id)
        if original.ended_at is None:
            raise TaskForgeError(
                Reason.JOB_NOT_ENDED,
                f"the job is {original.status}: only one that has ended can be run again",
            )
        expires_at = _expires_at(original.ended_at, settings)
        if expires_at <= clock.now():
            # About to be deleted.
            raise jobs.not_found()
        _take_room(settings.max_queued)
        texts = JobInput.get_by_id(original.id)
        replay = _insert(original, expires_at)
        JobInput.insert(
            job=replay.id, title=texts.title, spec=texts.spec, options=bytes(texts.options)
        ).execute()
        JobReplay.insert(job=replay.id, original=original.id, model=model).execute()
        record(
            replay.id,
            Verb.SUBMIT,
            Status.QUEUED,
            replay.created_at,
            stage=Stage.QUEUED.value,
            attempt=1,
            detail=f"replay of {original.id}",
        )
    return replay


def of_job(job_id: UUID) -> list[UUID]:
    """The replays of a job, oldest first."""
    found = (
        JobReplay.select(JobReplay.job)
        .join(Job, on=JobReplay.job == Job.id)
        .where(JobReplay.original == job_id)
        .order_by(Job.created_at)
    )
    return [replay.job_id for replay in found]


def among(originals: Sequence[UUID]) -> list[UUID]:
    """The replays of these jobs, to be deleted with them."""
    return [r.job_id for r in JobReplay.select().where(JobReplay.original.in_(originals))]


def outliving(ended_before: int) -> list[Job]:
    """The replays that have not ended, of jobs that ended before a time."""
    original = Job.alias()
    return list(
        Job.select()
        .join(JobReplay, on=JobReplay.job == Job.id)
        .join(original, on=JobReplay.original == original.id)
        .where(Job.ended_at.is_null(), original.ended_at < ended_before)
    )


def all_ended() -> Expression:
    """Of a job: that none of its replays waits or runs."""
    replay = Job.alias()
    live = (
        JobReplay.select(JobReplay.job)
        .join(replay, on=JobReplay.job == replay.id)
        .where(JobReplay.original == Job.id, replay.ended_at.is_null())
    )
    ended: Expression = ~fn.EXISTS(live)
    return ended


def link(job_id: UUID, client_id: UUID) -> JobReplay | None:
    """What a replay runs again, and with which model; None for a client's own job."""
    if client_id != REPLAYS_CLIENT_ID:
        return None
    found: JobReplay | None = JobReplay.get_or_none(JobReplay.job == job_id)
    return found


def _original(job_id: UUID) -> Job:
    job = jobs.of_anybody(job_id)
    replayed = link(job.id, job.client_id)
    return job if replayed is None else Job.get_by_id(replayed.original_id)


def _take_room(room: int) -> None:
    """Counts one more waiting replay, unless too many wait already."""
    Client.insert(
        id=REPLAYS_CLIENT_ID, name=_CLIENT_NAME, features="", created_at=clock.now()
    ).on_conflict_ignore().execute()
    if not jobs.take_room(REPLAYS_CLIENT_ID, room):
        raise TaskForgeError(Reason.QUEUE_FULL, f"{room} replays wait already")


def _insert(original: Job, expires_at: int) -> Job:
    at, replay_id = clock.now(), uuid4()
    return Job.create(
        id=replay_id,
        client=REPLAYS_CLIENT_ID,
        feature=jobs.FEATURE,
        idempotency_hash=hashlib.sha256(replay_id.bytes).digest(),
        content_hash=bytes(original.content_hash),
        status=Status.QUEUED.value,
        stage=Stage.QUEUED.value,
        created_at=at,
        updated_at=at,
        expires_at=expires_at,
        available_at=at,
    )


def _expires_at(ended_at: int, settings: Settings) -> int:
    kept_until = ended_at + clock.micros(settings.retention_s)
    return min(clock.now() + clock.micros(settings.job_ttl_s), kept_until)
