"""Which job is claimed next: the oldest of the client whose turn it is.

The turn goes to the client with the fewest running jobs, then to the one that
was served longest ago.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

from peewee import OP, SQL, Expression, ModelSelect

from core.database import row_locks
from core.models import Client, Job
from core.prepared import Select, literal
from core.transitions import STANDING, Standing
from tickets.lifecycle import Status

# How many clients' queues a claim looks into at once. One does, unless others
# claim at the same time.
_CANDIDATES = 8


class _Turn(NamedTuple):
    client_id: UUID


def candidates(at: int) -> Iterator[Standing]:
    """What can be claimed at a time, the next first: a job each of the clients that have one.

    Of a client whose jobs other claims are taking at this moment there is none.
    """
    for offset in count(step=_CANDIDATES):
        clients = _CLIENTS_BY_TURN.all(at, at, offset)
        for client in clients:
            job = _OLDEST.first(client.client_id, at, at)
            if job is not None:
                yield job
        if len(clients) < _CANDIDATES:
            return


def is_there_any(at: int) -> bool:
    """Whether anything can be claimed at a time."""
    return bool(_CLIENTS_BY_TURN.all(at, at, 0))


def _claimable(available_by: Any, expires_after: Any) -> Expression:
    queued = Job.status == literal(Status.QUEUED)
    claimable: Expression = (
        queued & (Job.available_at <= available_by) & (Job.expires_at > expires_after)
    )
    return claimable


def _clients_by_turn(available_by: Any, expires_after: Any, offset: Any) -> "ModelSelect[Client]":
    """Each client is asked for its oldest job.

    PostgreSQL would turn an `EXISTS` into a join with every job that waits.
    """
    waiting = Job.select(Job.id).where(
        Job.client == Client.id, _claimable(available_by, expires_after)
    )
    oldest = waiting.order_by(Job.created_at).limit(SQL("1"))
    return (
        Client.select(Client.id)
        .where(Client.queued > SQL("0"), Expression(oldest, OP.IS_NOT, None))
        .order_by(Client.running, Client.served_at, Client.id)
        .limit(SQL(str(_CANDIDATES)))
        .offset(offset)
    )


def _oldest(client_id: Any, available_by: Any, expires_after: Any) -> "ModelSelect[Job]":
    query = (
        Job.select(*STANDING)
        .where(Job.client == client_id, _claimable(available_by, expires_after))
        .order_by(Job.created_at)
        .limit(SQL("1"))
    )
    return query.for_update(skip_locked=True) if row_locks() else query


_CLIENTS_BY_TURN = Select(
    _Turn,
    [Client.id],
    _clients_by_turn,
    parameters=[Job.available_at, Job.expires_at, Client.created_at],
)
_OLDEST = Select(
    Standing, STANDING, _oldest, parameters=[Client.id, Job.available_at, Job.expires_at]
)
