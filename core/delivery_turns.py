"""Which delivery is claimed next, so that a slow or dead receiver holds up nobody else.

What a client sends to a receiver is a queue of its own. Of the queues whose
next delivery is due, the turn goes to that of the client with the fewest
under way, then to the one that has waited longest. A receiver is sent a few at
a time, and those that fail get at most half of a worker's places.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from peewee import SQL, Case, Expression, ModelSelect, fn

from core import clock
from core.database import row_locks
from core.models import Delivery, Worker
from core.prepared import Select, literal
from tickets.deliveries import PLACE, DeliveryStatus

# How many are under way at once to one receiver, whoever its clients are. Claims at the same
# moment may overstep it by a few.
_AT_ONCE = 2

# How many queues a claim tries to take from when others claim at the same time.
_CANDIDATES = 8

# How many queues of one client a claim looks at: who names ever new receivers holds up only itself.
_QUEUES_OF_CLIENT = 1000


class Parcel(NamedTuple):
    """A delivery, as far as it has to be known to send it and to report on it."""

    id: UUID
    job_id: UUID
    client_id: UUID
    url: str
    body: bytes
    status: str
    failures: int
    worker_id: str | None
    claimed_at: int | None


# The columns of a parcel, in order.
PARCEL = (
    *(Delivery.id, Delivery.job, Delivery.client, Delivery.url, Delivery.body, Delivery.status),
    *(Delivery.failures, Delivery.worker_id, Delivery.claimed_at),
)


_HEAD = Delivery.alias("head")


class _Places(NamedTuple):
    places: int


class _Found(NamedTuple):
    id: UUID


def candidates(worker_id: str, at: int) -> Iterator[Parcel]:
    """What a worker can claim at a time, the next first: a delivery each of some queues."""
    for next_of_queue in _NEXT.all(at, int(_may_fail(worker_id, at))):
        parcel = _PENDING.first(next_of_queue.id)
        if parcel is not None:
            yield parcel


def has_lost_its_place(parcel: Parcel, at: int) -> bool:
    """Whether the worker's thread that claimed it has gone on to others by now."""
    return at - (parcel.claimed_at or at) > clock.micros(PLACE)


def _may_fail(worker_id: str, at: int) -> bool:
    """Whether the worker has a place left for a receiver that fails."""
    worker = _PLACES.first(worker_id)
    taken = len(_TAKEN_BY_FAILING.all(worker_id, at - clock.micros(PLACE)))
    return taken < max(1, worker.places // 2 if worker else 0)


def _pending(delivery: Any) -> Expression:
    pending: Expression = delivery.status == literal(DeliveryStatus.PENDING)
    return pending


def _next(due_by: Any, most_failing: Any) -> "ModelSelect[Delivery]":
    """The next deliveries of the queues whose turn it is."""
    queues = _queues()
    under_way = Delivery.select(fn.COUNT(SQL("*"))).where(
        Delivery.client == queues.c.client_id, Delivery.lease_expires_at.is_null(False)
    )
    busy = (
        Delivery.select(Delivery.receiver)
        .where(Delivery.lease_expires_at.is_null(False))
        .group_by(Delivery.receiver)
        .having(fn.COUNT(SQL("*")) >= SQL(str(_AT_ONCE)))
    )
    chosen: ModelSelect[Delivery] = (
        queues.select_from(queues.c.id)
        .where(
            queues.c.available_at <= due_by,
            queues.c.receiver.not_in(busy),
            _failing(queues.c.client_id, queues.c.receiver) <= most_failing,
        )
        .order_by(under_way, queues.c.available_at)
        .limit(SQL(str(_CANDIDATES)))
    )
    return chosen


def _queues() -> Any:
    """Each queue with its oldest delivery, from one to the next by an index.

    None of the deliveries behind that is looked at, however many wait.
    """
    oldest = Delivery.alias("oldest")
    columns = (oldest.id, oldest.client, oldest.receiver, oldest.available_at)
    first = oldest.select(*columns, SQL("1")).where(oldest.id == _first(SQL("TRUE")))
    names = ("id", "client_id", "receiver", "available_at", "number")
    queues = first.cte("queues", recursive=True, columns=names)
    here = queues.c
    of_client = _first((_HEAD.client == here.client_id) & (_HEAD.receiver > here.receiver))
    following = fn.COALESCE(
        Case(None, [(here.number < SQL(str(_QUEUES_OF_CLIENT)), of_client)]),
        _first(_HEAD.client > here.client_id),
    )
    number = Case(None, [(oldest.client == here.client_id, here.number + SQL("1"))], SQL("1"))
    return queues.union_all(
        oldest.select(*columns, number).join(queues, on=(oldest.id == following))
    )


def _first(place: Any) -> "ModelSelect[Delivery]":
    """The oldest delivery of the first queue in a place."""
    return (
        _HEAD.select(_HEAD.id)
        .where(_pending(_HEAD), place)
        .order_by(_HEAD.client, _HEAD.receiver, _HEAD.available_at)
        .limit(SQL("1"))
    )


def _failing(client: Any, receiver: Any) -> Case:
    """1 where a queue has a delivery that has been tried in vain, else 0.

    Asked so that there is one way to the answer. To an `EXISTS`, PostgreSQL
    takes others that read all that has failed, as its statistics are just then.
    """
    failed = Delivery.alias("failed")
    first = (
        failed.select(failed.receiver)
        .where(
            failed.client == client,
            failed.receiver >= receiver,
            failed.failures > SQL("0"),
            failed.ended_at.is_null(),
        )
        .order_by(failed.receiver)
        .limit(SQL("1"))
    )
    return Case(None, [(first == receiver, SQL("1"))], SQL("0"))


def _parcel(delivery_id: Any) -> "ModelSelect[Delivery]":
    query = Delivery.select(*PARCEL).where(Delivery.id == delivery_id, _pending(Delivery))
    return query.for_update(skip_locked=True) if row_locks() else query


_NEXT = Select(_Found, [Delivery.id], _next, parameters=[Delivery.available_at, Delivery.failures])
_PENDING = Select(Parcel, PARCEL, _parcel, parameters=[Delivery.id])
_PLACES = Select(
    _Places,
    [Worker.delivery_slots],
    lambda worker_id: Worker.select(Worker.delivery_slots).where(Worker.id == worker_id),
    parameters=[Worker.id],
)
_TAKEN_BY_FAILING = Select(
    _Found,
    [Delivery.id],
    lambda worker_id, since: Delivery.select(Delivery.id).where(
        Delivery.lease_expires_at.is_null(False),
        Delivery.worker_id == worker_id,
        Delivery.claimed_at > since,
        _failing(Delivery.client, Delivery.receiver) == SQL("1"),
    ),
    parameters=[Delivery.worker_id, Delivery.claimed_at],
)
