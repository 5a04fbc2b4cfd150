"""Calls to core: one channel per process, a deadline on every call, refusals as errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from taskforge.tickets.v1 import access_pb2, access_pb2_grpc

from edge.routes import Route
from tickets.errors import Reason, TaskForgeError
from tickets.status import from_trailers

_DEADLINE_S = 30.0
_PROBE_S = 2.0
_LARGEST_MESSAGE = 64 * 1024 * 1024

Metadata = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response message, with the trailing metadata that goes into headers."""

    message: Message
    trailers: dict[str, str]


class RefusedError(Exception):
    """Core refused the call; `trailers` go into headers all the same."""

    def __init__(self, error: TaskForgeError, trailers: dict[str, str]) -> None:
        super().__init__(error.message)
        self.error = error
        self.trailers = trailers


class CoreClient:
    """The edge's one connection to core. Make it after a fork."""

    def __init__(self, address: str, routes: Sequence[Route]) -> None:
        channel = grpc.insecure_channel(
            address,
            options=[
                ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
                # A proxy for the web has no business between us and core.
                ("grpc.enable_http_proxy", 0),
                # A core that comes back is found again within a second.
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ],
        )
        self._calls = {
            route.rpc: channel.unary_unary(
                route.rpc,
                request_serializer=route.request_type.SerializeToString,
                response_deserializer=route.response_type.FromString,
            )
            for route in routes
        }
        self._check_access = access_pb2_grpc.AccessServiceStub(channel).CheckAccess
        self._health = health_pb2_grpc.HealthStub(channel)

    def call(self, rpc: str, message: Message, metadata: Metadata) -> Answer:
        """Calls an RPC.

        Raises:
            RefusedError: Core refused, is away or took too long.
        """
        return _call(self._calls[rpc], message, metadata)

    def check_access(self, rpc: str, metadata: Metadata) -> dict[str, str]:
        """Asks whether the caller would be let in, and counts the call.

        Returns:
            The trailing metadata, which goes into headers.

        Raises:
            RefusedError: It would not be, or core is away.
        """
        asked = access_pb2.CheckAccessRequest(method=rpc)
        return _call(self._check_access, asked, metadata).trailers

    def is_ready(self) -> bool:
        """Whether core serves and can reach its database."""
        try:
            answer = self._health.Check(  # type: ignore[attr-defined] # its stub names no calls
                health_pb2.HealthCheckRequest(), timeout=_PROBE_S
            )
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _call(method: Any, message: Message, metadata: Metadata) -> Answer:
    try:
        response, call = method.with_call(message, timeout=_DEADLINE_S, metadata=metadata)
    except grpc.RpcError as fault:
        trailers = fault.trailing_metadata() or ()
        raise RefusedError(
            from_trailers(trailers) or _unexplained(fault), _texts(trailers)
        ) from None
    return Answer(response, _texts(call.trailing_metadata() or ()))


def _unexplained(fault: Any) -> TaskForgeError:
    """A failure that core did not explain: it is away, or too slow, or broken."""
    code = fault.code()
    if code is grpc.StatusCode.UNAVAILABLE:
        return TaskForgeError(Reason.CORE_UNAVAILABLE, "the service is not available, try again")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return TaskForgeError(Reason.CORE_UNAVAILABLE, "the service took too long, try again")
    return TaskForgeError(Reason.INTERNAL, "an internal error; the log has it by its request id")


def _texts(metadata: Any) -> dict[str, str]:
    return {key: value for key, value in metadata if isinstance(value, str)}
