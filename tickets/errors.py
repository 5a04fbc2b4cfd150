"""Every reason a call can be refused for, and what it looks like on each wire.

One table maps a reason to its gRPC code, the contract's code and the HTTP
status. Whoever refuses a call names a reason; nothing else chooses codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from google.rpc import code_pb2

DOMAIN = "taskforge"


class Reason(StrEnum):
    """The `reason` of a `google.rpc.ErrorInfo`; finer than the contract's codes."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    UNKNOWN_PATH = "UNKNOWN_PATH"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    KEY_MISSING = "KEY_MISSING"
    KEY_INVALID = "KEY_INVALID"
    KEY_EXPIRED = "KEY_EXPIRED"
    KEY_REVOKED = "KEY_REVOKED"
    CLIENT_SUSPENDED = "CLIENT_SUSPENDED"
    FEATURE_DISABLED = "FEATURE_DISABLED"
    SCOPE_MISSING = "SCOPE_MISSING"
    WRONG_AUDIENCE = "WRONG_AUDIENCE"
    RATE_LIMITED = "RATE_LIMITED"
    QUEUE_FULL = "QUEUE_FULL"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    JOB_NOT_FOUND = "JOB_NOT_FOUND"
    RESULT_NOT_READY = "RESULT_NOT_READY"
    JOB_CANCELLED = "JOB_CANCELLED"
    NOT_CANCELLABLE = "NOT_CANCELLABLE"
    STORAGE_ERROR = "STORAGE_ERROR"
    INTERNAL = "INTERNAL"
    CORE_UNAVAILABLE = "CORE_UNAVAILABLE"
    # Of the admin and worker services, which have no REST form.
    CLIENT_NOT_FOUND = "CLIENT_NOT_FOUND"
    KEY_NOT_FOUND = "KEY_NOT_FOUND"
    NAME_TAKEN = "NAME_TAKEN"
    KEY_NOT_ROTATABLE = "KEY_NOT_ROTATABLE"
    DELIVERY_NOT_FOUND = "DELIVERY_NOT_FOUND"
    DELIVERY_UNDER_WAY = "DELIVERY_UNDER_WAY"
    JOB_NOT_ENDED = "JOB_NOT_ENDED"
    LEASE_LOST = "LEASE_LOST"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    RESULT_INVALID = "RESULT_INVALID"


@dataclass(frozen=True, slots=True)
class Wire:
    """How a reason looks: a `google.rpc.Code`, the contract's code, an HTTP status."""

    grpc_code: int
    code: str
    http_status: int


WIRE = MappingProxyType(
    {
        Reason.INVALID_ARGUMENT: Wire(code_pb2.INVALID_ARGUMENT, "invalid_request", 400),
        # The contract has no 413.
        Reason.REQUEST_TOO_LARGE: Wire(code_pb2.INVALID_ARGUMENT, "request_too_large", 400),
        Reason.UNKNOWN_PATH: Wire(code_pb2.UNIMPLEMENTED, "invalid_request", 404),
        Reason.METHOD_NOT_ALLOWED: Wire(code_pb2.UNIMPLEMENTED, "invalid_request", 405),
        Reason.KEY_MISSING: Wire(code_pb2.UNAUTHENTICATED, "unauthorized", 401),
        Reason.KEY_INVALID: Wire(code_pb2.UNAUTHENTICATED, "unauthorized", 401),
        Reason.KEY_EXPIRED: Wire(code_pb2.UNAUTHENTICATED, "key_expired", 401),
        Reason.KEY_REVOKED: Wire(code_pb2.UNAUTHENTICATED, "key_revoked", 401),
        Reason.CLIENT_SUSPENDED: Wire(code_pb2.PERMISSION_DENIED, "client_suspended", 403),
        Reason.FEATURE_DISABLED: Wire(code_pb2.PERMISSION_DENIED, "feature_disabled", 403),
        Reason.SCOPE_MISSING: Wire(code_pb2.PERMISSION_DENIED, "forbidden", 403),
        Reason.WRONG_AUDIENCE: Wire(code_pb2.PERMISSION_DENIED, "forbidden", 403),
        Reason.RATE_LIMITED: Wire(code_pb2.RESOURCE_EXHAUSTED, "rate_limited", 429),
        Reason.QUEUE_FULL: Wire(code_pb2.RESOURCE_EXHAUSTED, "queue_full", 429),
        Reason.IDEMPOTENCY_KEY_REUSED: Wire(code_pb2.ALREADY_EXISTS, "invalid_request", 400),
        Reason.JOB_NOT_FOUND: Wire(code_pb2.NOT_FOUND, "job_not_found", 404),
        # Not an error over REST: the contract answers 202 with an ErrorBody.
        Reason.RESULT_NOT_READY: Wire(code_pb2.FAILED_PRECONDITION, "invalid_request", 202),
        Reason.JOB_CANCELLED: Wire(code_pb2.FAILED_PRECONDITION, "job_cancelled", 409),
        Reason.NOT_CANCELLABLE: Wire(code_pb2.FAILED_PRECONDITION, "invalid_request", 409),
        Reason.STORAGE_ERROR: Wire(code_pb2.UNAVAILABLE, "storage_error", 500),
        Reason.INTERNAL: Wire(code_pb2.INTERNAL, "internal_error", 500),
        Reason.CORE_UNAVAILABLE: Wire(code_pb2.UNAVAILABLE, "internal_error", 500),
        Reason.CLIENT_NOT_FOUND: Wire(code_pb2.NOT_FOUND, "invalid_request", 404),
        Reason.KEY_NOT_FOUND: Wire(code_pb2.NOT_FOUND, "invalid_request", 404),
        Reason.NAME_TAKEN: Wire(code_pb2.ALREADY_EXISTS, "invalid_request", 409),
        Reason.KEY_NOT_ROTATABLE: Wire(code_pb2.FAILED_PRECONDITION, "invalid_request", 409),
        Reason.DELIVERY_NOT_FOUND: Wire(code_pb2.NOT_FOUND, "invalid_request", 404),
        Reason.DELIVERY_UNDER_WAY: Wire(code_pb2.FAILED_PRECONDITION, "invalid_request", 409),
        Reason.JOB_NOT_ENDED: Wire(code_pb2.FAILED_PRECONDITION, "invalid_request", 409),
        Reason.LEASE_LOST: Wire(code_pb2.FAILED_PRECONDITION, "invalid_request", 409),
        Reason.CANCEL_REQUESTED: Wire(code_pb2.FAILED_PRECONDITION, "job_cancelled", 409),
        Reason.RESULT_INVALID: Wire(code_pb2.INVALID_ARGUMENT, "model_output_invalid", 400),
    }
)


class JobErrorCode(StrEnum):
    """The `error.code` of a failed job; each is a code of the contract."""

    OLLAMA_UNAVAILABLE = "ollama_unavailable"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_OUTPUT_INVALID = "model_output_invalid"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field, named by its path, such as `options.ticket_count`."""

    field: str
    problem: str


class TaskForgeError(Exception):
    """A call is refused, for a reason that its caller may know.

    Attributes:
        reason: The row of `WIRE` to answer with.
        message: A plain sentence for the caller.
        fields: The fields at fault, for a request that is wrong in itself.
        retry_after: When it may be worth asking again.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        fields: Sequence[FieldProblem] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.fields = tuple(fields)
        self.retry_after = retry_after

    @classmethod
    def invalid(cls, *fields: FieldProblem) -> "TaskForgeError":
        """A request with these faults; the message tells the first."""
        first = fields[0]
        more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
        return cls(Reason.INVALID_ARGUMENT, f"{first.field}: {first.problem}{more}", fields=fields)


def shortened(text: str, limit: int) -> str:
    """A text for a message, cut to at most `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
