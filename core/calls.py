"""What happens to every call, once for all services: request id, admission, validation, errors."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, cast

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError, Message
from grpc import StatusCode
from taskforge.options.v1 import options_pb2

from core import access, trailers, validation
from core.access import Gate
from core.database import STORAGE_FAULTS, brief, forget_connection, renew_connection
from core.policy import Policy
from tickets.errors import FieldProblem, Reason, TaskForgeError
from tickets.request_ids import given_or_new
from tickets.status import DETAILS_KEY, to_status

log = logging.getLogger(__name__)

REQUEST_ID_KEY = "x-request-id"
# Calls that may wait at once: more than there will be workers. A thread is made when it is needed.
_WAITING = 1000

if TYPE_CHECKING:
    # Generic to the type checker only.
    Handler = grpc.RpcMethodHandler[Any, Any]

Behaviour = Callable[[Any, grpc.ServicerContext], Any]

_UNREADABLE: Message = Empty()
_STATUS_CODES = {code.value[0]: code for code in StatusCode}
_request_id: ContextVar[str] = ContextVar("request_id", default="-")


def request_id() -> str:
    """The id of the call that this thread is handling."""
    return _request_id.get()


class Calls:
    """Runs every unary call of our services through the same steps.

    Handlers are wrapped once, when a service is added to the server: an
    interceptor would have to do it for each call.
    """

    def __init__(self, gate: Gate, max_body_bytes: int) -> None:
        self._gate = gate
        self._max_body_bytes = max_body_bytes
        self._waiting = ThreadPoolExecutor(_WAITING, thread_name_prefix="waiting")

    def before(self, server: grpc.Server) -> grpc.Server:
        """The server as the generated `add_…Servicer_to_server` should see it."""
        return cast(grpc.Server, _Registrar(server, self._wrapped))

    def _wrapped(self, method: str, handler: "Handler") -> "Handler":
        policy = self._gate.policy(method)
        deserialize = handler.request_deserializer
        if policy is None or handler.unary_unary is None or deserialize is None:
            raise ValueError(f"{method} is not a unary call of a service with an audience")
        call = partial(self._call, policy, handler.unary_unary)
        if policy.waits:
            # What grpcio looks at for a thread other than those of the server.
            call.experimental_thread_pool = self._waiting  # type: ignore[attr-defined]
        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=partial(_read, deserialize),
            response_serializer=handler.response_serializer,
        )

    def _call(
        self,
        policy: Policy,
        behaviour: Behaviour,
        request: Message,
        context: grpc.ServicerContext,
    ) -> Any:
        metadata = context.invocation_metadata()
        trailers.begin()
        _request_id.set(_call_id(metadata))
        try:
            renew_connection()
            self._check_size(policy, request)
            self._gate.admit(policy, metadata)
            _check_shape(request)
            response = behaviour(request, context)
            if policy.audience == options_pb2.AUDIENCE_OPERATORS:
                self._gate.forget()
        except Exception as fault:  # noqa: BLE001 - every fault becomes a refusal here
            refusal = _refusal(fault, policy.method)
        else:
            context.set_trailing_metadata(_trailers())
            return response
        return _abort(context, refusal)

    def _check_size(self, policy: Policy, request: Message) -> None:
        if policy.audience == options_pb2.AUDIENCE_CLIENTS and (
            request.ByteSize() > self._max_body_bytes
        ):
            raise TaskForgeError(
                Reason.REQUEST_TOO_LARGE, f"the request is over {self._max_body_bytes} bytes"
            )


class _Registrar:
    """What a generated `add_…Servicer_to_server` asks of a server."""

    def __init__(self, server: grpc.Server, wrap: "Callable[[str, Handler], Handler]") -> None:
        self._server = server
        self._wrap = wrap

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """The same handlers as below, in the form that older servers take."""

    def add_registered_method_handlers(
        self, service: str, handlers: "Mapping[str, Handler]"
    ) -> None:
        wrapped = {
            name: self._wrap(f"/{service}/{name}", handler) for name, handler in handlers.items()
        }
        self._server.add_registered_method_handlers(service, wrapped)


def _read(deserialize: Callable[[bytes], Message], data: bytes) -> Message:
    """The request. That it is no message is told only to a caller who is let in."""
    try:
        return deserialize(data)
    except DecodeError:
        return _UNREADABLE


def _check_shape(request: Message) -> None:
    if request is _UNREADABLE:
        raise TaskForgeError.invalid(FieldProblem("request", "is not a valid message"))
    validation.check(request)


def _refusal(fault: Exception, method: str) -> TaskForgeError:
    """The fault as its caller may see it; all there is to know of it goes to the log."""
    if isinstance(fault, TaskForgeError):
        return fault
    if isinstance(fault, STORAGE_FAULTS):
        log.error("%s failed in the database, request %s: %s", method, request_id(), brief(fault))
        forget_connection()
        return TaskForgeError(Reason.STORAGE_ERROR, "the storage is not available")
    log.error("%s failed, request %s", method, request_id(), exc_info=fault)
    return TaskForgeError(Reason.INTERNAL, "an internal error; the log has it by its request id")


def _abort(context: grpc.ServicerContext, refusal: TaskForgeError) -> NoReturn:
    status = to_status(refusal)
    context.set_trailing_metadata((*_trailers(), (DETAILS_KEY, status.SerializeToString())))
    context.abort(_STATUS_CODES[status.code], status.message)
    raise AssertionError("abort raises")


def _trailers() -> tuple[tuple[str, str | bytes], ...]:
    allowance = access.allowance()
    rate = () if allowance is None else allowance.headers()
    return ((REQUEST_ID_KEY, request_id()), *rate, *trailers.added())


def _call_id(metadata: access.Metadata) -> str:
    for key, value in metadata or ():
        if key == REQUEST_ID_KEY:
            return given_or_new(str(value))
    return given_or_new("")
