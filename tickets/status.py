"""Refusals on the wire: `google.rpc.Status` with ErrorInfo, BadRequest and RetryInfo.

Core writes them, edge, worker and commands read them back.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from google.rpc import error_details_pb2, status_pb2

from tickets.errors import DOMAIN, WIRE, FieldProblem, Reason, TaskForgeError, shortened

DETAILS_KEY = "grpc-status-details-bin"

# gRPC refuses metadata beyond 8 KiB, and would hide the error behind another.
_MOST_FIELDS = 20
_MOST_CHARACTERS = 160


def to_status(error: TaskForgeError) -> status_pb2.Status:
    """The refusal as gRPC callers see it, bounded in size."""
    status = status_pb2.Status(
        code=WIRE[error.reason].grpc_code, message=shortened(error.message, 500)
    )
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason.value, domain=DOMAIN))
    if error.fields:
        bad = error_details_pb2.BadRequest()
        for problem in error.fields[:_MOST_FIELDS]:
            bad.field_violations.add(
                field=shortened(problem.field, _MOST_CHARACTERS),
                description=shortened(problem.problem, _MOST_CHARACTERS),
            )
        status.details.add().Pack(bad)
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(error.retry_after)
        status.details.add().Pack(retry)
    return status


def from_trailers(trailers: Iterable[Any] | None) -> TaskForgeError | None:
    """The refusal that a failed call's trailing metadata carries, if it is one of ours.

    Args:
        trailers: Pairs of key and value.
    """
    for key, value in trailers or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return _from_status(status_pb2.Status.FromString(value))
    return None


def _from_status(status: status_pb2.Status) -> TaskForgeError | None:
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after: timedelta | None = None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta()
    if info.domain != DOMAIN or info.reason not in Reason.__members__:
        return None
    return TaskForgeError(
        Reason(info.reason),
        status.message,
        fields=[FieldProblem(v.field, v.description) for v in bad.field_violations],
        retry_after=retry_after,
    )
