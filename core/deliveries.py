"""What happens to deliveries: claim, report, release, recover, redeliver.

A worker holds a delivery under a lease, named by a token that it made. Every
verb is a conditional update; what a stale token brings is dropped. The job
itself has ended and is not touched.
"""

import logging
import random
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from peewee import JOIN, OP, Expression

from core import clock, jobs
from core.callbacks import signal_due
from core.database import row_locks, transaction
from core.models import Client, Delivery, DeliveryAttempt, Job
from core.transitions import record
from tickets.deliveries import DeliveryEvent, DeliveryStatus, accepted, delay, is_final
from tickets.errors import Reason, TaskForgeError
from tickets.lifecycle import Status
from tickets.settings import Settings

log = logging.getLogger(__name__)

# How many attempts may be under way at once for one client, and to one receiver: the rest of the
# workers' threads are for the others. Claims at the same moment may overstep it by a few.
_AT_ONCE = 2

# How many clients a claim looks at when others claim at the same time.
_CANDIDATES = 8


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


def claim(worker_id: str, token: UUID, settings: Settings) -> Delivery | None:
    """Leases the next delivery to a worker; the same token gets the same one again."""
    with transaction():
        delivery: Delivery | None = Delivery.get_or_none(Delivery.lease_token == token)
        if delivery is not None and delivery.status != DeliveryStatus.DELIVERING:
            raise _lost()
        return delivery or _lease_next(worker_id, token, settings)


def report(delivery_id: UUID, token: UUID, answer: Answer) -> None:
    """Ends the attempt; repeating it changes nothing."""
    with transaction():
        delivery = _held(delivery_id, token)
        if delivery.status != DeliveryStatus.DELIVERING:
            return
        if accepted(answer.http_status):
            changes, problem = _ended(DeliveryStatus.DELIVERED), ""
        else:
            problem = answer.problem or f"the receiver answered with status {answer.http_status}"
            changes = _after_failure(delivery, answer)
        if not _move(delivery, changes):
            raise _lost()
        _log(delivery, answer.http_status, problem)


def release(delivery_id: UUID, token: UUID) -> None:
    """Makes the delivery due again at once; it costs no attempt."""
    with transaction():
        if not _move(_held(delivery_id, token), _due_now()):
            raise _lost()
        signal_due()


def recover(settings: Settings) -> None:
    """Makes due again what lost workers held; what has lost too many fails."""
    for delivery in list(Delivery.select().where(Delivery.lease_expires_at <= clock.now())):
        losses = delivery.lease_losses + 1
        is_last = losses >= settings.max_lease_losses
        changes = _ended(DeliveryStatus.FAILED) if is_last else _due_now()
        with transaction():
            if _move(delivery, {**changes, "lease_losses": losses}):
                _log(delivery, None, f"the worker {delivery.worker_id} was lost")
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


def _lease_next(worker_id: str, token: UUID, settings: Settings) -> Delivery | None:
    """Takes the delivery that has waited longest, of those whose client and receiver have room."""
    at = clock.now()
    lease = {
        "status": DeliveryStatus.DELIVERING.value,
        "worker_id": worker_id,
        "claimed_at": at,
        "lease_token": token,
        "lease_expires_at": at + clock.micros(settings.callback_timeout_s + settings.lease_s),
    }
    leased = list(
        Delivery.select(Delivery.client, Delivery.receiver).where(
            Delivery.lease_expires_at.is_null(False)
        )
    )
    open_to_claim = is_due(at) & Delivery.receiver.not_in(_full(row.receiver for row in leased))
    for client in _clients_by_wait(open_to_claim, _full(row.client_id for row in leased)):
        delivery = _oldest(open_to_claim & (Delivery.client == client.id))
        if delivery is not None and _update(delivery, DeliveryStatus.PENDING, lease):
            return delivery
    return None


def _full(holders: Any) -> list[Any]:
    return [holder for holder, count in Counter(holders).items() if count >= _AT_ONCE]


def _clients_by_wait(open_to_claim: Expression, full: Collection[UUID]) -> list[Client]:
    """Clients with something to claim, the longest waiting first.

    Each is asked for its oldest delivery, so that one client's many cost the others nothing.
    """
    own = Delivery.select(Delivery.available_at).where(open_to_claim, Delivery.client == Client.id)
    oldest = own.order_by(Delivery.available_at).limit(1)
    return list(
        Client.select(Client.id)
        .where(Client.id.not_in(full), Expression(oldest, OP.IS_NOT, None))
        .order_by(oldest)
        .limit(_CANDIDATES)
    )


def _oldest(claimable: Expression) -> Delivery | None:
    query = Delivery.select().where(claimable).order_by(Delivery.available_at).limit(1)
    found: Delivery | None = (query.for_update(skip_locked=True) if row_locks() else query).first()
    return found


def _after_failure(delivery: Delivery, answer: Answer) -> Mapping[str, Any]:
    failures = delivery.failures + 1
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


def _held(delivery_id: UUID, token: UUID) -> Delivery:
    """The delivery that the token was made for, in whatever status.

    Raises:
        TaskForgeError: LEASE_LOST; another worker may have the delivery by now.
    """
    delivery: Delivery | None = Delivery.get_or_none(
        Delivery.id == delivery_id, Delivery.lease_token == token
    )
    if delivery is None:
        raise _lost()
    return delivery


def _move(delivery: Delivery, changes: Mapping[str, Any]) -> bool:
    """Ends the lease that the delivery was read with; False when somebody else was first."""
    ended = {"lease_expires_at": None, **changes}
    return _update(
        delivery, DeliveryStatus.DELIVERING, ended, Delivery.lease_token == delivery.lease_token
    )


def _update(
    delivery: Delivery,
    source: DeliveryStatus,
    changes: Mapping[str, Any],
    *conditions: Expression,
) -> bool:
    own = (Delivery.id == delivery.id, Delivery.status == source.value)
    return bool(Delivery.update(dict(changes)).where(*own, *conditions).execute())


def _log(delivery: Delivery, http_status: int | None, problem: str) -> None:
    """Adds the attempt to the delivery's log, and an event to the job's."""
    at = clock.now()
    DeliveryAttempt.insert(
        delivery=delivery.id,
        worker_id=delivery.worker_id,
        started_at=delivery.claimed_at,
        ended_at=at,
        http_status=http_status,
        problem=problem,
    ).execute()
    job = Job.get_by_id(delivery.job_id)
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
