"""Calls to core: a deadline on every call, refusals as errors."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2
from taskforge.tickets.v1 import access_pb2

from edge.channel import Channel, Outcome, UnavailableError
from edge.routes import Route
from tickets import tls
from tickets.errors import Reason, TaskForgeError
from tickets.settings import Settings
from tickets.status import from_trailers

log = logging.getLogger(__name__)

_DEADLINE_S = 30.0
_PROBE_S = 2.0
_CHECK_ACCESS = "/taskforge.tickets.v1.AccessService/CheckAccess"
_CHECK_HEALTH = "/grpc.health.v1.Health/Check"

Metadata = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response message, with the trailing metadata that goes into headers."""

    message: Message
    trailers: Mapping[str, Any]


class RefusedError(Exception):
    """Core refused the call; `trailers` go into headers all the same."""

    def __init__(self, error: TaskForgeError, trailers: Mapping[str, Any]) -> None:
        super().__init__(error.message)
        self.error = error
        self.trailers = trailers


class CoreClient:
    """The edge's way to core. Make it after a fork."""

    def __init__(self, settings: Settings) -> None:
        secured, name = tls.ssl_context(settings), tls.core_name(settings)
        self._channel = Channel(settings.core_addresses, secured, name)

    def call(self, route: Route, message: Message, metadata: Metadata) -> Answer:
        """Calls the RPC of a route.

        Raises:
            RefusedError: Core refused, is away or took too long.
        """
        outcome = self._call(route.rpc, message, metadata)
        return Answer(route.response_type.FromString(outcome.message), outcome.trailers)

    def check_access(self, rpc: str, metadata: Metadata) -> Mapping[str, Any]:
        """Asks whether the caller would be let in, and counts the call.

        Returns:
            The trailing metadata, which goes into headers.

        Raises:
            RefusedError: It would not be, or core is away.
        """
        asked = access_pb2.CheckAccessRequest(method=rpc)
        return self._call(_CHECK_ACCESS, asked, metadata).trailers

    def is_ready(self) -> bool:
        """Whether core serves and can reach its database."""
        try:
            outcome = self._channel.call(_CHECK_HEALTH, b"", (), _PROBE_S)
        except (TimeoutError, UnavailableError):
            return False
        answer = health_pb2.HealthCheckResponse.FromString(outcome.message)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def _call(self, rpc: str, message: Message, metadata: Metadata) -> Outcome:
        try:
            outcome = self._channel.call(rpc, message.SerializeToString(), metadata, _DEADLINE_S)
        except TimeoutError:
            raise RefusedError(_TOO_SLOW, {}) from None
        except UnavailableError as fault:
            log.warning("core cannot be reached: %s", fault)
            raise RefusedError(_AWAY, {}) from None
        if outcome.status != code_pb2.OK:
            error = from_trailers(outcome.trailers.items())
            raise RefusedError(error or _UNEXPLAINED.get(outcome.status, _BROKEN), outcome.trailers)
        return outcome


_AWAY = TaskForgeError(Reason.CORE_UNAVAILABLE, "the service is not available, try again")
_TOO_SLOW = TaskForgeError(Reason.CORE_UNAVAILABLE, "the service took too long, try again")
_BROKEN = TaskForgeError(Reason.INTERNAL, "an internal error; the log has it by its request id")
# What gRPC itself says, and core did not explain.
_UNEXPLAINED = {code_pb2.UNAVAILABLE: _AWAY, code_pb2.DEADLINE_EXCEEDED: _TOO_SLOW}
