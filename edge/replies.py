"""What goes back over HTTP: messages and refusals as the contract's JSON."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil
from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from edge.core_client import Answer, RefusedError
from edge.requests import ANY_TAG
from edge.routes import Route
from tickets.codec import rendered, to_json
from tickets.errors import WIRE, Reason, TaskForgeError

log = logging.getLogger(__name__)

# Core's trailing metadata that callers see, by the header that shows it.
_SHOWN_TRAILERS = {"ratelimit-policy": "RateLimit-Policy", "ratelimit": "RateLimit"}
_JSON = ("Content-Type", "application/json")
# Where a body is left unread the server closes the connection; a client has to know, or it sends
# its next request into nothing.
CLOSE = ("Connection", "close")
_OK = 200
_NOT_MODIFIED = 304
_UNAUTHORIZED = 401
_SERVER_ERROR = 500


@dataclass(slots=True)
class Reply:
    """A response, whichever way it goes out."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)


def answer(
    route: Route, given: Answer, query: Sequence[tuple[str, str]], known_tags: Sequence[str]
) -> Reply:
    """Core's answer, by the JSON rules that its descriptor gives.

    Args:
        route: What was called.
        given: What core said.
        query: The query's parameters, for the link to the next page.
        known_tags: The entity tags of what the caller has already.
    """
    shown = _shown(given.trailers)
    token = getattr(given.message, "next_page_token", "")
    if token:
        following = urlencode({**dict(query), "page_token": token})
        shown.append(("Link", f'<{route.path}?{following}>; rel="next"'))
    # What core did not send because the caller has it has no JSON, only a tag.
    body = b"" if given.trailers.get("etag") in known_tags else rendered(given.message)
    if route.http_method != "GET" or route.success_status != _OK:
        return Reply(route.success_status, body, [_JSON, *shown])
    tag = given.trailers.get("etag") or blake2b(body, digest_size=16).hexdigest()
    shown.append(("ETag", f'"{tag}"'))
    if tag in known_tags or ANY_TAG in known_tags:
        return Reply(_NOT_MODIFIED, b"", shown)
    return Reply(_OK, body, [_JSON, *shown])


def reply_to(fault: Exception, request_id: str) -> Reply:
    """What a caller is told of a fault, as the contract's ErrorBody."""
    if isinstance(fault, RefusedError):
        return refusal(fault.error, fault.trailers)
    if isinstance(fault, TaskForgeError):
        return refusal(fault)
    reply = refusal(_known(fault, request_id))
    if isinstance(fault, MethodNotAllowed) and fault.valid_methods:
        reply.headers.append(("Allow", ", ".join(sorted(fault.valid_methods))))
    return reply


def refusal(error: TaskForgeError, trailers: Mapping[str, str] | None = None) -> Reply:
    """A refusal with the status that the table gives."""
    wire = WIRE[error.reason]
    payload: dict[str, Any] = {"code": wire.code, "message": error.message}
    if error.fields:
        payload["details"] = [
            {"field": fault.field, "problem": fault.problem} for fault in error.fields
        ]
    headers = [_JSON, *_shown(trailers or {})]
    if error.retry_after is not None:
        headers.append(("Retry-After", str(ceil(error.retry_after.total_seconds()))))
    if wire.http_status == _UNAUTHORIZED:
        headers.append(("WWW-Authenticate", "Bearer"))
    if error.reason is Reason.REQUEST_TOO_LARGE:
        headers.append(CLOSE)
    return Reply(wire.http_status, to_json({"error": payload}), headers)


def _known(fault: Exception, request_id: str) -> TaskForgeError:
    """A fault of HTTP or of ours as a refusal; what is unknown goes to the log whole."""
    if isinstance(fault, NotFound):
        return TaskForgeError(Reason.UNKNOWN_PATH, "there is nothing at this path")
    if isinstance(fault, MethodNotAllowed):
        return TaskForgeError(Reason.METHOD_NOT_ALLOWED, "this path does not take this method")
    if isinstance(fault, HTTPException) and (fault.code or _SERVER_ERROR) < _SERVER_ERROR:
        return TaskForgeError(Reason.INVALID_ARGUMENT, "the request is not valid HTTP")
    log.error("request %s failed", request_id, exc_info=fault)
    return TaskForgeError(Reason.INTERNAL, "an internal error; the log has it by its request id")


def _shown(trailers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, trailers[key]) for key, name in _SHOWN_TRAILERS.items() if key in trailers]
