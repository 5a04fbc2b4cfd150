"""What goes back over HTTP: messages and refusals as the contract's JSON."""

from collections.abc import Mapping
from math import ceil
from typing import Any
from urllib.parse import urlencode

from flask import Response

from edge.core_client import Answer
from edge.routes import Route
from tickets.codec import encode, to_json
from tickets.errors import WIRE, Reason, TaskForgeError

# Core's trailing metadata that callers see, by the header that shows it.
_SHOWN_TRAILERS = {"ratelimit-policy": "RateLimit-Policy", "ratelimit": "RateLimit"}


def answer(route: Route, given: Answer, query: Mapping[str, str]) -> Response:
    """Core's answer, by the JSON rules that its descriptor gives."""
    response = _json(encode(given.message), route.success_status)
    token = getattr(given.message, "next_page_token", "")
    if token:
        following = urlencode({**query, "page_token": token})
        response.headers["Link"] = f'<{route.path}?{following}>; rel="next"'
    _show(response, given.trailers)
    return response


def refusal(error: TaskForgeError, trailers: Mapping[str, str] | None = None) -> Response:
    """A refusal as the contract's ErrorBody, with the status that the table gives."""
    wire = WIRE[error.reason]
    payload: dict[str, Any] = {"code": wire.code, "message": error.message}
    if error.fields:
        payload["details"] = [
            {"field": fault.field, "problem": fault.problem} for fault in error.fields
        ]
    response = _json({"error": payload}, wire.http_status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(ceil(error.retry_after.total_seconds()))
    if wire.http_status == WIRE[Reason.KEY_MISSING].http_status:
        response.headers["WWW-Authenticate"] = "Bearer"
    _show(response, trailers or {})
    return response


def _json(value: Any, status: int) -> Response:
    return Response(to_json(value), status=status, content_type="application/json")


def _show(response: Response, trailers: Mapping[str, str]) -> None:
    for key, header in _SHOWN_TRAILERS.items():
        if key in trailers:
            response.headers[header] = trailers[key]
