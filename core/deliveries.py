"""What happens to deliveries: claim, report, release, recover, redeliver.

A worker holds a delivery under a lease, named by a token that it made. Every
verb is a conditional update; what a stale token brings is dropped. The job
itself has ended and is not touched.
"""

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from peewee import JOIN, Expression, ModelSelect

from core import clock, delivery_turns, jobs
from core.callbacks import signal_due
from core.database import row_locks, transaction
from core.delivery_turns import PARCEL, Parcel
from core.models import Delivery, DeliveryAttempt, Job
from core.prepared import Insert, Select, Update
from core.transitions import STANDING, Standing, record
from tickets.deliveries import DeliveryEvent, DeliveryStatus, accepted, delay, is_final
from tickets.errors import Reason, TaskForgeError
from tickets.lifecycle import Status
from tickets.settings import Settings

log = logging.getLogger(__name__)

_UPDATE = Update(Delivery)
_BY_TOKEN = Select(
    Parcel,
    PARCEL,
    lambda token: Delivery.select(*PARCEL).where(Delivery.lease_token == token),
    parameters=[Delivery.lease_token],
)
_HELD = Select(
    Parcel,
    PARCEL,
    lambda delivery_id, token: Delivery.select(*PARCEL).where(
        Delivery.id == delivery_id, Delivery.lease_token == token
    ),
    parameters=[Delivery.id, Delivery.lease_token],
)


_KEY_SHARE: Any = "FOR KEY SHARE"  # more than peewee's stubs know


def _job_that_stays(job_id: Any) -> "ModelSelect[Job]":
    """A job that is not purged before the transaction is over.

    To be asked for before the delivery is changed: a purge takes them in that
    order too, and each would wait for the other.
    """
    query = Job.select(*STANDING).where(Job.id == job_id)
    return query.for_update(_KEY_SHARE) if row_locks() else query


_JOB = Select(Standing, STANDING, _job_that_stays, parameters=[Job.id])
_INSERT_ATTEMPT = Insert(
    DeliveryAttempt,
    *("delivery", "worker_id", "started_at", "ended_at", "http_status", "problem"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended.

    Attributes:
        http_status: What the receiver answered; None when it gave no answer.
        problem: Why there is no answer.
        retry_after: The receiver asked to wait this long.
    """

    http_status: int | None
    problem: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A delivery, with its job, and its attempts, oldest first."""

    delivery: Delivery
    attempts: list[DeliveryAttempt]


def claim(worker_id: str, token: UUID, settings: Settings) -> Parcel | None:
    """Leases the next delivery to a worker; the same token gets the same one again."""
    with transaction():
        held = _BY_TOKEN.first(token)
        if held is not None and held.status != DeliveryStatus.DELIVERING:
            raise _lost()
        return held or _lease_next(worker_id, token, settings)


def report(delivery_id: UUID, token: UUID, answer: Answer) -> None:
    """Ends the attempt; repeating it changes nothing."""
    with transaction():
        parcel = _held(delivery_id, token)
        if parcel.status != DeliveryStatus.DELIVERING:
            return
        job = _JOB.first(parcel.job_id)
        if accepted(answer.http_status):
            changes, problem = _ended(DeliveryStatus.DELIVERED), ""
        else:
            problem = answer.problem or f"the receiver answered with status {answer.http_status}"
            changes = _after_failure(parcel, answer)
        if job is None or not _let_go(parcel, {"lease_token": token}, changes):
            raise _lost()
        _log(parcel, job, answer.http_status, problem)


def release(delivery_id: UUID, token: UUID) -> None:
    """Makes the delivery due again at once; it costs no attempt."""
    with transaction():
        if not _let_go(_held(delivery_id, token), {"lease_token": token}, _due_now()):
            raise _lost()
        signal_due()


def lease_s(settings: Settings) -> float:
    """How long a worker holds a delivery, whose lease nothing extends."""
    return settings.callback_timeout_s + settings.lease_s


def recover(at: int, settings: Settings) -> None:
    """Makes due again what lost workers held, by leases that have run out at a time.

    What has lost too many fails.
    """
    for delivery in list(Delivery.select().where(Delivery.lease_expires_at <= at)):
        losses = delivery.lease_losses + 1
        is_last = losses >= settings.max_lease_losses
        changes = _ended(DeliveryStatus.FAILED) if is_last else _due_now()
        with transaction():
            job = _JOB.first(delivery.job_id)
            ran_out = {"lease_token": delivery.lease_token}
            if job and _let_go(delivery, ran_out, {**changes, "lease_losses": losses}):
                _log(delivery, job, None, f"the worker {delivery.worker_id} was lost")
                log.warning("delivery %s lost its worker %s", delivery.id, delivery.worker_id)


def of_job(job_id: UUID) -> list[Logged]:
    """A job's deliveries.

    Raises:
        TaskForgeError: JOB_NOT_FOUND.
    """
    return _logged(Delivery.job == jobs.of_anybody(job_id).id)


def redeliver(delivery_id: UUID) -> Logged:
    """Makes a delivery due now, with all its attempts before it; it keeps its id and its content.

    Raises:
        TaskForgeError: DELIVERY_NOT_FOUND; DELIVERY_UNDER_WAY while a worker is at it.
    """
    with transaction():
        again = {**_due_now(), "failures": 0, "lease_losses": 0, "ended_at": None}
        moved = (
            Delivery.update(again)
            .where(Delivery.id == delivery_id, Delivery.status != DeliveryStatus.DELIVERING.value)
            .execute()
        )
        found = _logged(Delivery.id == delivery_id)
        if not found:
            raise TaskForgeError(Reason.DELIVERY_NOT_FOUND, f"there is no delivery {delivery_id}")
        if not moved:
            raise TaskForgeError(Reason.DELIVERY_UNDER_WAY, "a worker is delivering it just now")
        signal_due()
        return found[0]


def is_due(at: int) -> Expression:
    return (Delivery.status == DeliveryStatus.PENDING.value) & (Delivery.available_at <= at)


def _lease_next(worker_id: str, token: UUID, settings: Settings) -> Parcel | None:
    at = clock.now()
    lease = {
        "worker_id": worker_id,
        "claimed_at": at,
        "lease_token": token,
        "lease_expires_at": at + clock.micros(lease_s(settings)),
    }
    for parcel in delivery_turns.candidates(worker_id, at):
        pending = {"id": parcel.id, "status": DeliveryStatus.PENDING.value}
        if _UPDATE.rows({"status": DeliveryStatus.DELIVERING.value, **lease}, pending):
            return parcel
    return None


def _after_failure(parcel: Parcel, answer: Answer) -> Mapping[str, Any]:
    failures = parcel.failures + 1
    if is_final(answer.http_status, failures):
        return {**_ended(DeliveryStatus.FAILED), "failures": failures}
    jitter = random.uniform(-1, 1)  # noqa: S311 - spreads attempts only
    wait = delay(failures, answer.retry_after, jitter)
    return {
        "status": DeliveryStatus.PENDING.value,
        "failures": failures,
        "available_at": clock.now() + clock.micros(wait),
    }


def _ended(status: DeliveryStatus) -> Mapping[str, Any]:
    return {"status": status.value, "ended_at": clock.now()}


def _due_now() -> Mapping[str, Any]:
    """Without its token, so that nothing more is taken from the worker that had it."""
    return {
        "status": DeliveryStatus.PENDING.value,
        "available_at": clock.now(),
        "lease_token": None,
    }


def _held(delivery_id: UUID, token: UUID) -> Parcel:
    """The delivery that the token was made for, in whatever status.

    Raises:
        TaskForgeError: LEASE_LOST; another worker may have the delivery by now.
    """
    parcel = _HELD.first(delivery_id, token)
    if parcel is None:
        raise _lost()
    return parcel


def _let_go(
    delivery: Parcel | Delivery, held: Mapping[str, Any], changes: Mapping[str, Any]
) -> bool:
    """Ends the lease that the delivery was read with; False when somebody else was first."""
    delivering = {"id": delivery.id, "status": DeliveryStatus.DELIVERING.value, **held}
    return bool(_UPDATE.rows({"lease_expires_at": None, **changes}, delivering))


def _log(delivery: Parcel | Delivery, job: Standing, http_status: int | None, problem: str) -> None:
    """Adds the attempt to the delivery's log, and an event to the job's."""
    at = clock.now()
    _INSERT_ATTEMPT.row(
        delivery=delivery.id,
        worker_id=delivery.worker_id,
        started_at=delivery.claimed_at,
        ended_at=at,
        http_status=http_status,
        problem=problem,
    )
    event = DeliveryEvent.FAILED if problem else DeliveryEvent.DELIVERED
    attempt = job.failures + 1
    record(job.id, event, Status(job.status), at, stage=job.stage, attempt=attempt, detail=problem)


def _logged(chosen: Expression) -> list[Logged]:
    """Deliveries with their attempts, in one statement: neither is older than the other."""
    rows = (
        Delivery.select(Delivery, Job, DeliveryAttempt)
        .join(Job)
        .switch(Delivery)
        .join(DeliveryAttempt, JOIN.LEFT_OUTER, attr="attempt")
        .where(chosen)
        .order_by(Delivery.created_at, Delivery.id, DeliveryAttempt.id)
    )
    found: dict[UUID, Logged] = {}
    for row in rows:
        logged = found.setdefault(row.id, Logged(row, []))
        if attempt := getattr(row, "attempt", None):
            logged.attempts.append(attempt)
    return list(found.values())


def _lost() -> TaskForgeError:
    return TaskForgeError(Reason.LEASE_LOST, "the lease no longer holds the delivery")
