"""Which delivery is claimed next, so that a slow or dead receiver holds up nobody else.

What a client sends to a receiver is a queue of its own, of which a few are sent
at a time. The turn goes to the client with the fewest under way, then to the
one that has waited longest. Queues that are not proven get at most half of a
worker's threads: whose receiver has not taken anything yet, or does not now.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from peewee import SQL, Case, Expression, ModelSelect, fn

from core.database import row_locks
from core.models import Delivery, Worker
from core.prepared import Select, literal
from tickets.deliveries import DeliveryStatus

# How many of a queue are under way at once, and how many to one receiver, which clients may share.
# Claims at the same moment may overstep it by a few.
_OF_QUEUE = 2
_TO_RECEIVER = 16

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


class _Threads(NamedTuple):
    number: int


class _Found(NamedTuple):
    id: UUID


def candidates(worker_id: str, at: int) -> Iterator[Parcel]:
    """What a worker can claim at a time, the next first: a delivery each of some queues."""
    for found in _next(worker_id, at):
        parcel = _PENDING.first(found.id)
        if parcel is not None:
            yield parcel


def is_there_any(worker_id: str, at: int) -> bool:
    """Whether a worker can claim anything at a time."""
    return bool(_next(worker_id, at))


def _next(worker_id: str, at: int) -> list[_Found]:
    return _NEXT.all(at, int(_has_thread_for_unproven(worker_id)))


def _has_thread_for_unproven(worker_id: str) -> bool:
    threads = _THREADS.first(worker_id)
    # One that has only just come will say how many it has.
    return threads is None or len(_UNPROVEN.all(worker_id)) < max(1, threads.number // 2)


def _pending(delivery: Any) -> Expression:
    pending: Expression = delivery.status == literal(DeliveryStatus.PENDING)
    return pending


def _next_of_queues(due_by: Any, takes_unproven: Any) -> "ModelSelect[Delivery]":
    """The next deliveries of the queues whose turn it is; of proven ones only, unless told 1."""
    queues = _queues()
    under_way = Delivery.lease_expires_at.is_null(False)
    of_client = Delivery.select(fn.COUNT(SQL("*"))).where(
        under_way, Delivery.client == queues.c.client_id
    )
    of_queue = of_client.where(Delivery.receiver == queues.c.receiver)
    busy = (
        Delivery.select(Delivery.receiver)
        .where(under_way)
        .group_by(Delivery.receiver)
        .having(fn.COUNT(SQL("*")) >= SQL(str(_TO_RECEIVER)))
    )
    chosen: ModelSelect[Delivery] = (
        queues.select_from(queues.c.id)
        .where(
            queues.c.available_at <= due_by,
            of_queue < SQL(str(_OF_QUEUE)),
            queues.c.receiver.not_in(busy),
            (SQL("1") == takes_unproven) | _proven(queues.c.client_id, queues.c.receiver),
        )
        .order_by(of_client, queues.c.available_at)
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


def _proven(client: Any, receiver: Any) -> Expression:
    """Whether a queue's receiver has taken something, and nothing is left that it has not.

    Asked so that there is one way to the answer. To an `EXISTS`, PostgreSQL
    takes others that read all of a kind, as its statistics are just then.
    """
    some = Delivery.alias("some")
    ordered = some.select(some.receiver).order_by(some.receiver).limit(SQL("1"))
    of_client = ordered.where(some.client == client, some.receiver >= receiver)
    refused = of_client.where(some.failures > SQL("0"), some.ended_at.is_null())
    taken = of_client.where(some.status == literal(DeliveryStatus.DELIVERED))
    answer = Case(None, [(refused == receiver, SQL("0")), (taken == receiver, SQL("1"))], SQL("0"))
    proven: Expression = answer == SQL("1")
    return proven


def _parcel(delivery_id: Any) -> "ModelSelect[Delivery]":
    query = Delivery.select(*PARCEL).where(Delivery.id == delivery_id, _pending(Delivery))
    return query.for_update(skip_locked=True) if row_locks() else query


_NEXT = Select(
    _Found,
    [Delivery.id],
    _next_of_queues,
    parameters=[Delivery.available_at, Delivery.failures],
)
_PENDING = Select(Parcel, PARCEL, _parcel, parameters=[Delivery.id])
_THREADS = Select(
    _Threads,
    [Worker.delivery_slots],
    lambda worker_id: Worker.select(Worker.delivery_slots).where(Worker.id == worker_id),
    parameters=[Worker.id],
)
# What a worker has under way of queues that are not proven.
_UNPROVEN = Select(
    _Found,
    [Delivery.id],
    lambda worker_id: Delivery.select(Delivery.id).where(
        Delivery.lease_expires_at.is_null(False),
        Delivery.worker_id == worker_id,
        ~_proven(Delivery.client, Delivery.receiver),
    ),
    parameters=[Delivery.worker_id],
)
