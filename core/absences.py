"""The times when no core is there: they cost no worker its lease.

Cores note over and over that one of them is there. The first note after an
absence adds it to every lease, but for a first part, which leases bear: where
core is killed again and again, the lease of a lost worker still runs out.
"""

from peewee import Case

from core import clock, deliveries
from core.database import row_locks, transaction
from core.models import Delivery, Job, Worker
from core.presence import ALL_CORES
from tickets.settings import Settings


def interval_s(settings: Settings) -> float:
    """How often a core has to note that it is there; a note may be late by as much again."""
    return _borne_s(settings) / 2


def note(settings: Settings) -> int:
    """Notes that a core is there, and gives leases what they are owed for the time before.

    Where there is no note yet, as after an upgrade, every lease begins anew.

    Returns:
        Now: a lease that has run out by then is owed nothing more.
    """
    noted = Worker.select(Worker.seen_at).where(Worker.id == ALL_CORES)
    with transaction():
        # Of cores that are back at the same moment, one pays.
        before = (noted.for_update() if row_locks() else noted).scalar() or 0
        at = clock.now()
        owed = at - before - clock.micros(_borne_s(settings))
        if owed > 0:
            _pay(Job, owed, at + clock.micros(settings.lease_s))
            _pay(Delivery, owed, at + clock.micros(deliveries.lease_s(settings)))
        _put(at)
    return at


def _borne_s(settings: Settings) -> float:
    """The most that an absence costs a lease.

    While its worker lives, a lease always has more left than itself without a
    beat. This is a third of that; in the rest the worker is heard again.
    """
    return (settings.lease_s - settings.heartbeat_s) / 3


def _pay(table: type[Job | Delivery], owed: int, latest: int) -> None:
    """Puts the ends of leases off, but none beyond that of a lease that begins now."""
    ends = table.lease_expires_at
    put_off = Case(None, [(ends < latest - owed, ends + owed)], latest)
    table.update({ends: put_off}).where(ends < latest).execute()


def _put(at: int) -> None:
    row = Worker.insert(id=ALL_CORES, slots=0, seen_at=at)
    row.on_conflict(conflict_target=[Worker.id], update={Worker.seen_at: at}).execute()
