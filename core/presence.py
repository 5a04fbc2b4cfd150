"""Which worker processes are there, and how much they can do at once."""

import os
import socket

from peewee import Expression

from core import clock
from core.database import transaction
from core.models import Worker

# A process that has been silent for this long is not there, and has no slots.
PRESENCE_S = 60

# All cores together have a row too, with the time when one of them was last there.
ALL_CORES = "cores"

_OWN_ID = f"core-{socket.gethostname()[:60]}-{os.getpid()}"


def record(worker_id: str, slots: int, delivery_slots: int) -> bool:
    """Notes that a worker process is there, and how much it can do at once.

    Returns:
        Whether it has come only now, or come back.
    """
    at = clock.now()
    seen = {"slots": slots, "delivery_slots": delivery_slots, "seen_at": at}
    with transaction():
        was_there = Worker.select().where(Worker.id == worker_id, _is_there(at)).exists()
        new = Worker.insert(id=worker_id, **seen)
        new.on_conflict(conflict_target=[Worker.id], update=seen).execute()
    return not was_there


def record_core() -> None:
    """Notes that this core is there, as a worker that takes nothing.

    The smallest write there is: it shows whether the database takes writes.
    """
    record(_OWN_ID, slots=0, delivery_slots=0)


def workers(at: int) -> list[Worker]:
    """Those that are there at a time."""
    # A core has a row too, and no slots.
    return list(Worker.select().where(_is_there(at), Worker.slots > 0))


def forget(at: int) -> None:
    """Deletes those long gone."""
    with transaction():
        long_gone = Worker.seen_at < at - clock.micros(60 * PRESENCE_S)
        Worker.delete().where(long_gone, Worker.id != ALL_CORES).execute()


def _is_there(at: int) -> Expression:
    is_there: Expression = Worker.seen_at > at - clock.micros(PRESENCE_S)
    return is_there
