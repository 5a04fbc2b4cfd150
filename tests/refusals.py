"""What a refusal looks like over REST and over gRPC."""

from typing import Any

import grpc
import pytest
import requests
from google.rpc import error_details_pb2, status_pb2

from tests.contract_shapes import assert_fits

DETAILS_KEY = "grpc-status-details-bin"


def assert_refused(
    response: requests.Response, status: int, code: str, *, field: str | None = None
) -> dict[str, Any]:
    """Checks a refusal against the contract and returns its `error`.

    Args:
        response: What the edge answered.
        status: The HTTP status that it has to have.
        code: The contract's code that it has to have.
        field: A field that it has to name.
    """
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-Id"]
    body = response.json()
    assert_fits(body, "ErrorBody")
    error: dict[str, Any] = body["error"]
    assert error["code"] == code, response.text
    assert error["message"]
    if field is not None:
        assert field in [detail["field"] for detail in error["details"]], response.text
        assert all(detail["problem"] for detail in error["details"])
    return error


def refused(method: Any, request: Any, metadata: Any = ()) -> grpc.Call:
    """The failed call that a gRPC request ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        method(request, metadata=metadata, timeout=30)
    call: Any = caught.value
    return call  # type: ignore[no-any-return] # grpc's errors are calls too


def reason_of(method: Any, request: Any, metadata: Any = ()) -> str:
    """The `ErrorInfo.reason` that a gRPC request is refused with."""
    info = error_details_pb2.ErrorInfo()
    assert any(
        detail.Unpack(info) for detail in status_of(refused(method, request, metadata)).details
    )
    assert info.domain == "taskforge"
    reason: str = info.reason
    return reason


def status_of(call: grpc.Call) -> Any:
    """The `google.rpc.Status` in a failed call's trailers."""
    trailers = dict(call.trailing_metadata())
    return status_pb2.Status.FromString(trailers[DETAILS_KEY])
