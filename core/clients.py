"""What operators do with clients: create, list, suspend, resume, features, limits, secrets."""

from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any
from uuid import uuid4

from core import clock
from core.database import transaction
from core.models import REPLAYS_CLIENT_ID, Client
from tickets.errors import FieldProblem, Reason, TaskForgeError
from tickets.settings import RATE

# What a new client may use.
_FIRST_FEATURES = "tickets"


def create(name: str) -> Client:
    """A new client, with every feature on.

    Raises:
        TaskForgeError: NAME_TAKEN.
    """
    row = {
        "id": uuid4(),
        "name": name,
        "features": _FIRST_FEATURES,
        "queued": 0,
        "running": 0,
        "served_at": 0,
        "created_at": clock.now(),
    }
    with transaction():
        if not Client.insert(row).on_conflict_ignore().as_rowcount().execute():
            raise TaskForgeError(Reason.NAME_TAKEN, f"there is a client named {name} already")
    return named(name)


def named(name: str) -> Client:
    """The client of a name.

    Raises:
        TaskForgeError: CLIENT_NOT_FOUND.
    """
    client: Client | None = Client.get_or_none(Client.name == name, Client.id != REPLAYS_CLIENT_ID)
    if client is None:
        raise TaskForgeError(Reason.CLIENT_NOT_FOUND, f"there is no client named {name}")
    return client


def list_all() -> list[Client]:
    return list(Client.select().where(Client.id != REPLAYS_CLIENT_ID).order_by(Client.name))


def suspend(name: str) -> Client:
    """Refuses every call of the client from now on; what is running goes on."""
    return _update(name, suspended_at=clock.now())


def resume(name: str) -> Client:
    return _update(name, suspended_at=None)


def update_features(name: str, *, enable: AbstractSet[str], disable: AbstractSet[str]) -> Client:
    with transaction():
        features = (set(named(name).features.split()) | enable) - disable
        return _update(name, features=" ".join(sorted(features)))


def update_limits(
    name: str, *, rate_limit: str | None, max_queued: int | None, reset: bool
) -> Client:
    """Sets limits of the client's own; those that are None stay, or follow the settings on reset.

    Raises:
        TaskForgeError: INVALID_ARGUMENT for a rate that is none.
    """
    if rate_limit is not None and not RATE.fullmatch(rate_limit):
        raise TaskForgeError.invalid(
            FieldProblem("limits.rate_limit", "must be such as 600/minute")
        )
    changes: dict[str, Any] = {"rate_limit": None, "max_queued": None} if reset else {}
    if rate_limit is not None:
        changes["rate_limit"] = rate_limit
    if max_queued is not None:
        changes["max_queued"] = max_queued
    return _update(name, **changes)


def rotate_callback_secret(name: str, overlap: timedelta) -> Client:
    """Moves on to the next secret; the one before it signs too until the overlap is over."""
    return _update(
        name,
        callback_secret_version=Client.callback_secret_version + 1,
        previous_secret_until=clock.now() + clock.micros(overlap),
    )


def _update(name: str, **changes: Any) -> Client:
    if changes:
        Client.update(changes).where(Client.name == name).execute()
    return named(name)
