"""What stands in an HTTP request: its body, its parameters, its credential."""

import re
from typing import Any
from uuid import uuid4

from flask import Request
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from edge.core_client import Metadata
from edge.routes import Route
from tickets import strict_json
from tickets.decoding import decode
from tickets.errors import FieldProblem, Reason, TaskForgeError

_LONGEST_CREDENTIAL = 1024
_FIT_FOR_METADATA = re.compile(r"[\x20-\x7e]+")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


def request_id(request: Request) -> str:
    """The caller's own `X-Request-Id` where it is fit for a log line, else a new one."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def call_metadata(request: Request, id_: str) -> Metadata:
    """The metadata that goes to core with a call."""
    metadata = [("x-request-id", id_)]
    credential = request.headers.get("Authorization")
    if credential is not None:
        metadata.append(("authorization", _carriable(credential)))
    return metadata


def read_body(request: Request, route: Route, limit: int) -> bytes:
    """The body of a request that has one, never more of it than the limit.

    Raises:
        TaskForgeError: REQUEST_TOO_LARGE.
    """
    if not route.has_body:
        return b""
    announced = request.content_length or 0
    body = bytearray()
    if announced <= limit:
        # One byte more than allowed is enough to know; a chunked body announces nothing.
        while chunk := request.environ["wsgi.input"].read(limit + 1 - len(body)):
            body += chunk
    if announced > limit or len(body) > limit:
        raise TaskForgeError(Reason.REQUEST_TOO_LARGE, f"the body is over {limit} bytes")
    return bytes(body)


def request_message(request: Request, route: Route, path: dict[str, str], body: bytes) -> Message:
    """The RPC's request that an HTTP request means.

    Raises:
        TaskForgeError: INVALID_ARGUMENT, naming every field at fault.
    """
    document = _body_document(request, body) if route.has_body else {}
    if not isinstance(document, dict):
        raise TaskForgeError.invalid(FieldProblem("body", "must be an object"))
    parameters = _parameters(request, route)
    return decode(route.request_type, {**document, **parameters, **path})


def _carriable(credential: str) -> str:
    """The credential as metadata can carry it; one that cannot be is no key of ours."""
    if len(credential) > _LONGEST_CREDENTIAL or not _FIT_FOR_METADATA.fullmatch(credential):
        return "Bearer unfit"
    return credential


def _body_document(request: Request, body: bytes) -> Any:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise TaskForgeError.invalid(FieldProblem("Content-Encoding", "must be absent"))
    if request.mimetype != "application/json":
        raise TaskForgeError.invalid(FieldProblem("Content-Type", "must be application/json"))
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in {"utf-8", "utf8"}:
        raise TaskForgeError.invalid(FieldProblem("Content-Type", "must have charset utf-8"))
    if not body:
        raise TaskForgeError.invalid(FieldProblem("body", "must not be empty"))
    return strict_json.parse(body)


def _parameters(request: Request, route: Route) -> dict[str, Any]:
    """The query's parameters as JSON values of the fields that they name."""
    fields = route.query_fields
    values: dict[str, Any] = {}
    for name, given in request.args.lists():
        if name not in fields:
            raise TaskForgeError.invalid(FieldProblem(name[:100], "is not a parameter"))
        if len(given) > 1:
            raise TaskForgeError.invalid(FieldProblem(name, "must be given once"))
        values[name] = _parameter(fields[name], given[0])
    return values


def _parameter(field: FieldDescriptor, text: str) -> Any:
    """A parameter's text as a JSON value; what is not one is left for the decoder to refuse."""
    if field.type == FieldDescriptor.TYPE_INT32 and re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    return text
