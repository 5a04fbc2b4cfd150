"""What time alone does to jobs and deliveries: leases run out, jobs expire, old ones are purged.

Any number of cores may sweep at once: every step is a conditional update, in
small batches that block nobody.
"""

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from peewee import Expression, Field, IntegrityError, Tuple

from core import absences, clock, deliveries, presence, replays
from core.database import row_locks, transaction
from core.leases import failure
from core.models import Job
from core.prepared import literal
from core.transitions import move
from core.wakeups import Wakeups
from tickets.errors import JobErrorCode
from tickets.lifecycle import Status, Verb
from tickets.settings import Settings

log = logging.getLogger(__name__)

_BATCH = 100
_PURGE_BATCH = 20


class Sweeper:
    """What is due, in passes that are told apart so that none waits for a long one.

    Call each every `sweep_s`, from a thread of its own.
    """

    def __init__(self, settings: Settings, wakeups: Wakeups) -> None:
        self._settings = settings
        self._wakeups = wakeups

    def sweep(self) -> None:
        """Queues again what lost workers held, and wakes workers for what can be claimed."""
        # While nothing can be written no heartbeat counts, and no sweep gets beyond this.
        at = absences.note(self._settings)
        _each(_lease_ran_out(at), Job.lease_expires_at, self._recover)
        deliveries.recover(at, self._settings)
        self._wakeups.top_up()

    def expire(self) -> None:
        """Ends the jobs that are past their deadline."""
        _each(
            _expirable(clock.now()),
            Job.expires_at,
            lambda job: move(job, Verb.EXPIRE, Status(job.status)),
        )

    def purge(self) -> None:
        """Deletes jobs past their retention with their texts, and workers long gone."""
        at = clock.now()
        ended_before = at - clock.micros(self._settings.retention_s)
        for replay in replays.outliving(ended_before):
            # Whatever it was given to live: it holds texts of a job that are due.
            with transaction():
                move(replay, Verb.EXPIRE, Status(replay.status))
        while _purge_some(ended_before):
            pass
        presence.forget(at)

    def _recover(self, job: Job) -> None:
        """Ends what a lost worker held."""
        ran_out = {"lease_expires_at": job.lease_expires_at}
        losses = job.lease_losses + 1
        status = Status(job.status)
        if status is Status.CANCEL_REQUESTED:
            move(job, Verb.CONFIRM_CANCEL, status, ran_out, detail="its worker was lost")
        elif losses >= self._settings.max_lease_losses:
            message = f"the job lost its worker {losses} times"
            columns: dict[str, Any] = {
                "lease_losses": losses,
                **failure(JobErrorCode.INTERNAL_ERROR, message),
            }
            move(job, Verb.GIVE_UP, status, ran_out, detail=message, **columns)
        else:
            move(
                job,
                Verb.LOSE_LEASE,
                status,
                ran_out,
                detail=f"worker {job.worker_id} was lost",
                lease_losses=losses,
                available_at=clock.now(),
            )
            log.warning("job %s lost its worker %s", job.id, job.worker_id)


def _lease_ran_out(at: int) -> Expression:
    return Job.lease_expires_at <= at


def _expirable(at: int) -> Expression:
    live = Job.status.in_([literal(Status.QUEUED), literal(Status.PROCESSING)])
    return live & (Job.expires_at <= at)


def _purge_some(ended_before: int) -> bool:
    """Deletes a batch in a transaction of its own; False when nothing was left to delete.

    A replay that has not ended yet keeps the job that it runs again, so that it
    is found and goes with it.
    """
    old = Job.select(Job.id).where(Job.ended_at < ended_before, replays.all_ended())
    some = old.order_by(Job.ended_at).limit(_PURGE_BATCH)
    with transaction():
        # What another core deletes at this moment need not be waited for.
        query = some.for_update(skip_locked=True) if row_locks() else some
        ids = [job.id for job in query]
        if ids:
            Job.delete().where(Job.id.in_(ids + replays.among(ids))).execute()
    return bool(ids)


def _each(due: Expression, since: Field, act: Callable[[Job], object]) -> None:
    """Acts on every job that is due, a short transaction each; one that fails stops no other.

    Args:
        due: Which jobs.
        since: The column that says since when, by whose index they are found.
        act: What is done with each.
    """
    after = Tuple(0, Job.id.db_value(UUID(int=0)))
    by = (since, Job.id)
    while jobs := list(Job.select().where(due, Tuple(*by) > after).order_by(*by).limit(_BATCH)):
        for job in jobs:
            try:
                with transaction():
                    act(job)
            except IntegrityError:
                log.exception("job %s could not be moved on", job.id)
        last = jobs[-1]
        after = Tuple(getattr(last, since.name), Job.id.db_value(last.id))
