"""What operators do with API keys: issue, list, revoke, rotate."""

from collections.abc import Sequence
from datetime import timedelta

from core import clients, clock
from core.database import transaction
from core.keys import KeyHasher, NewKey, make
from core.models import ApiKey, Client
from tickets.errors import Reason, TaskForgeError


def issue(
    hasher: KeyHasher,
    *,
    client: Client,
    name: str,
    scopes: Sequence[str],
    expires_at: int | None,
) -> tuple[ApiKey, NewKey]:
    """A new key; its text is in the second value only, and nowhere after this."""
    with transaction():
        return _insert(hasher, client, name, scopes, expires_at)


def listed(client_name: str) -> list[ApiKey]:
    """Keys, newest first: a client's, or with an empty name all.

    Raises:
        TaskForgeError: CLIENT_NOT_FOUND.
    """
    query = ApiKey.select(ApiKey, Client).join(Client).order_by(ApiKey.created_at.desc())
    if client_name:
        query = query.where(ApiKey.client == clients.named(client_name))
    return list(query)


def revoke(key_id: str) -> ApiKey:
    """Ends a key now; one that was revoked before keeps its time.

    Raises:
        TaskForgeError: KEY_NOT_FOUND.
    """
    with transaction():
        ApiKey.update(revoked_at=clock.now()).where(
            ApiKey.id == key_id, ApiKey.revoked_at.is_null()
        ).execute()
    return _with_id(key_id)


def rotate(hasher: KeyHasher, key_id: str, overlap: timedelta) -> tuple[ApiKey, NewKey]:
    """A new key like the old one, which expires after the overlap unless it does so before.

    Raises:
        TaskForgeError: KEY_NOT_FOUND; KEY_NOT_ROTATABLE when it has ended.
    """
    with transaction():
        old = _with_id(key_id)
        at = clock.now()
        if old.revoked_at is not None or (old.expires_at or at + 1) <= at:
            raise TaskForgeError(Reason.KEY_NOT_ROTATABLE, f"the key {key_id} has ended")
        lifetime = old.expires_at - old.created_at if old.expires_at else None
        ends_at = min(at + clock.micros(overlap), old.expires_at or at + clock.micros(overlap))
        ApiKey.update(expires_at=ends_at).where(ApiKey.id == key_id).execute()
        new_end = at + lifetime if lifetime else None
        return _insert(hasher, old.client, old.name, old.scopes.split(), new_end)


def _insert(
    hasher: KeyHasher, client: Client, name: str, scopes: Sequence[str], expires_at: int | None
) -> tuple[ApiKey, NewKey]:
    new = make()
    row = ApiKey.create(
        id=new.id,
        client=client,
        name=name,
        scopes=" ".join(scopes),
        key_hash=hasher.hash(new.text),
        hint=new.hint,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    return row, new


def _with_id(key_id: str) -> ApiKey:
    query = ApiKey.select(ApiKey, Client).join(Client).where(ApiKey.id == key_id)
    key: ApiKey | None = query.get_or_none()
    if key is None:
        raise TaskForgeError(Reason.KEY_NOT_FOUND, f"there is no key {key_id}")
    return key
