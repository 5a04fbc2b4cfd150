"""Who is calling and whether the call is let in: key, client, feature, scope, rate."""

import hmac
import logging
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from taskforge.options.v1 import options_pb2

from core import clock
from core.keys import KeyHasher, id_of
from core.models import ApiKey, Client
from core.policy import Policy
from core.prepared import Select
from core.rates import Allowance, RateLimiter
from tickets.errors import Reason, TaskForgeError
from tickets.settings import Settings

log = logging.getLogger(__name__)

_LONGEST_TOKEN = 512
# How long a core may let in a key that was revoked on another one.
FORGET_S = 0.5


class _Access(NamedTuple):
    """A key with its client, as far as it matters for who is let in."""

    key_id: str
    key_hash: bytes
    scopes: str
    expires_at: int | None
    revoked_at: int | None
    client_id: UUID
    client_name: str
    features: str
    rate_limit: str | None
    max_queued: int | None
    suspended_at: int | None


_COLUMNS = (
    *(ApiKey.id, ApiKey.key_hash, ApiKey.scopes, ApiKey.expires_at, ApiKey.revoked_at),
    *(Client.id, Client.name, Client.features),
    *(Client.rate_limit, Client.max_queued, Client.suspended_at),
)
_ACCESS = Select(
    _Access,
    _COLUMNS,
    lambda key_id: ApiKey.select(*_COLUMNS).join(Client).where(ApiKey.id == key_id),
    parameters=[ApiKey.id],
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The client behind a call. `max_queued` is its room in the queue."""

    client_id: UUID
    client_name: str
    key_id: str
    max_queued: int


class _Known(NamedTuple):
    """A key that was looked up, with what is the same for all its calls."""

    access: _Access
    scopes: frozenset[str]
    features: frozenset[str]
    rate: str
    caller: Caller


Metadata = Iterable[tuple[str, str | bytes]] | None

_caller: ContextVar[Caller] = ContextVar("caller")
_allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


def caller() -> Caller:
    """The client whose call this thread is handling."""
    return _caller.get()


def allowance() -> Allowance | None:
    """What its key has left, where the call counted."""
    return _allowance.get()


class Gate:
    """Lets calls in or refuses them, by the policies that the protos declare."""

    def __init__(self, settings: Settings, policies: Mapping[str, Policy]) -> None:
        self._policies = policies
        self._hasher = KeyHasher(settings.secret_key or "")
        self._limiter = RateLimiter(settings.queue_url)
        self._rate_limit = settings.rate_limit
        self._max_queued = settings.max_queued
        self._known: dict[str, _Known] = {}
        self._tokens: dict[int, str] = {
            options_pb2.AUDIENCE_OPERATORS: settings.operator_token or "",
            options_pb2.AUDIENCE_WORKERS: settings.worker_token or "",
        }

    def policy(self, method: str) -> Policy | None:
        """The policy of a full gRPC method name; None when it is not one of ours."""
        return self._policies.get(method)

    def forget(self) -> None:
        """Looks every key up anew from now on.

        To be called after what an operator has changed, and every `FORGET_S`
        for what another core has.
        """
        self._known = {}

    def admit(self, policy: Policy, metadata: Metadata) -> None:
        """Lets the call in; its caller and its allowance are known to this thread from then on.

        Args:
            policy: What the RPC asks.
            metadata: Of the call; carries the credential.

        Raises:
            TaskForgeError: The first check that fails, in the order key, client,
                feature, scope, rate.
        """
        _allowance.set(None)
        if policy.audience == options_pb2.AUDIENCE_ANYONE:
            return
        token = _bearer([str(value) for key, value in metadata or () if key == "authorization"])
        if policy.audience != options_pb2.AUDIENCE_CLIENTS:
            self._check_token(policy, token)
            return
        known = self._known.get(token) or self._look_up(token)
        _check(known, policy)
        self._count(known.access.key_id, known.rate)
        _caller.set(known.caller)

    def _count(self, key_id: str, rate: str) -> None:
        taken = self._limiter.take(key_id, rate)
        _allowance.set(taken)
        if taken.exceeded:
            raise TaskForgeError(
                Reason.RATE_LIMITED,
                f"more than {rate.replace('/', ' calls per ')}; try again in {taken.reset} s",
                retry_after=timedelta(seconds=taken.reset),
            )

    def _check_token(self, policy: Policy, token: str) -> None:
        if not hmac.compare_digest(token.encode(), self._tokens[policy.audience].encode()):
            if id_of(token) is not None:
                raise TaskForgeError(Reason.WRONG_AUDIENCE, "this service is not open to API keys")
            raise TaskForgeError(Reason.KEY_INVALID, "the token is not valid for this service")

    def _look_up(self, token: str) -> _Known:
        # Before the query: what it finds may be old by the time that it is known.
        known = self._known
        key_id = id_of(token)
        access = _ACCESS.first(key_id) if key_id else None
        if access is None or not self._hasher.matches(token, access.key_hash):
            raise TaskForgeError(Reason.KEY_INVALID, "the API key is not valid")
        room = self._max_queued if access.max_queued is None else access.max_queued
        found = known[token] = _Known(
            access,
            frozenset(access.scopes.split()),
            frozenset(access.features.split()),
            access.rate_limit or self._rate_limit,
            Caller(access.client_id, access.client_name, access.key_id, room),
        )
        return found


def _bearer(authorization: list[str]) -> str:
    """The token of the one `Bearer` credential."""
    if not authorization:
        raise TaskForgeError(
            Reason.KEY_MISSING, "an API key is needed: Authorization: Bearer <api_key>"
        )
    scheme, _, token = authorization[0].partition(" ")
    token = token.strip(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer":
        raise TaskForgeError(
            Reason.KEY_INVALID, "one Authorization header is needed: Bearer <api_key>"
        )
    if not token or len(token) > _LONGEST_TOKEN or not token.isascii():
        raise TaskForgeError(Reason.KEY_INVALID, "the API key is not valid")
    return token


def _check(known: _Known, policy: Policy) -> None:
    """Checks key, client, feature and scope, in this order."""
    access = known.access
    if access.revoked_at is not None:
        raise TaskForgeError(Reason.KEY_REVOKED, "the API key has been revoked")
    if access.expires_at is not None and access.expires_at <= clock.now():
        raise TaskForgeError(Reason.KEY_EXPIRED, "the API key has expired")
    if access.suspended_at is not None:
        raise TaskForgeError(Reason.CLIENT_SUSPENDED, "the client is suspended")
    if policy.feature and policy.feature not in known.features:
        raise TaskForgeError(
            Reason.FEATURE_DISABLED, f"the feature {policy.feature} is off for this client"
        )
    if policy.scope and policy.scope not in known.scopes:
        raise TaskForgeError(
            Reason.SCOPE_MISSING, f"the API key does not have the scope {policy.scope}"
        )
