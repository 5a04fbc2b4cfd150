"""What stands in an HTTP request, read off the WSGI environ: body, parameters, credential."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from werkzeug.http import parse_options_header

from edge.core_client import Metadata
from edge.routes import Route
from tickets import strict_json
from tickets.decoding import decode
from tickets.errors import FieldProblem, Reason, TaskForgeError
from tickets.request_ids import given_or_new

Environ = dict[str, Any]

_LONGEST_CREDENTIAL = 1024
_FIT_FOR_METADATA = re.compile(r"[\x20-\x7e]+")
_LONGEST_TAGS = 1024
_TAG = re.compile(r'"([\x21\x23-\x29\x2b-\x7e]{1,64})"')
# The caller has some version, and wants none. No tag of ours is this.
ANY_TAG = "*"
_JSON = "application/json"


def request_id(environ: Environ) -> str:
    """The caller's own `X-Request-Id` where it is fit for a log line, else a new one."""
    return given_or_new(environ.get("HTTP_X_REQUEST_ID", ""))


def call_metadata(environ: Environ, id_: str, known_tags: Sequence[str]) -> Metadata:
    """The metadata that goes to core with a call.

    With `accept` core may answer with JSON that it has rendered before, and
    with `if-none-match` not at all.
    """
    metadata = [("x-request-id", id_), ("accept", _JSON)]
    credential = environ.get("HTTP_AUTHORIZATION")
    if credential is not None:
        metadata.append(("authorization", _carriable(credential)))
    if known_tags:
        metadata.append(("if-none-match", " ".join(known_tags)))
    return metadata


def entity_tags(environ: Environ) -> list[str]:
    """The tags of `If-None-Match`, without quotes and weakness; a `*` is ANY_TAG."""
    given: str = environ.get("HTTP_IF_NONE_MATCH", "")
    if given == ANY_TAG:
        return [ANY_TAG]
    return _TAG.findall(given) if len(given) <= _LONGEST_TAGS else []


def query(environ: Environ) -> list[tuple[str, str]]:
    """The query's parameters, in order."""
    text: str = environ.get("QUERY_STRING", "")
    return parse_qsl(text, keep_blank_values=True) if text else []


def has_body(environ: Environ) -> bool:
    """Whether a body comes with a request, of a length that is told or in chunks."""
    return environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ


def read_body(environ: Environ, route: Route, limit: int) -> bytes:
    """The body of a request that has one, never more of it than the limit.

    Raises:
        TaskForgeError: REQUEST_TOO_LARGE.
    """
    if not route.has_body:
        return b""
    announced = int(environ.get("CONTENT_LENGTH") or 0)
    body = bytearray()
    if announced <= limit:
        # One byte more than allowed is enough to know; a chunked body announces nothing.
        while chunk := environ["wsgi.input"].read(limit + 1 - len(body)):
            body += chunk
    if announced > limit or len(body) > limit:
        raise TaskForgeError(Reason.REQUEST_TOO_LARGE, f"the body is over {limit} bytes")
    return bytes(body)


def request_message(
    environ: Environ,
    route: Route,
    path: dict[str, str],
    parameters: Sequence[tuple[str, str]],
    body: bytes,
) -> Message:
    """The RPC's request that an HTTP request means.

    Raises:
        TaskForgeError: INVALID_ARGUMENT, naming every field at fault.
    """
    document = _body_document(environ, body) if route.has_body else {}
    if not isinstance(document, dict):
        raise TaskForgeError.invalid(FieldProblem("body", "must be an object"))
    return decode(route.request_type, {**document, **_parameters(parameters, route), **path})


def _carriable(credential: str) -> str:
    """The credential as metadata can carry it; one that cannot be is no key of ours."""
    if len(credential) > _LONGEST_CREDENTIAL or not _FIT_FOR_METADATA.fullmatch(credential):
        return "Bearer unfit"
    return credential


def _body_document(environ: Environ, body: bytes) -> Any:
    if len(body) < int(environ.get("CONTENT_LENGTH") or 0):
        raise TaskForgeError.invalid(FieldProblem("body", "ends before its Content-Length"))
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise TaskForgeError.invalid(FieldProblem("Content-Encoding", "must be absent"))
    kind, parameters = parse_options_header(environ.get("CONTENT_TYPE", ""))
    if kind.lower() != _JSON:
        raise TaskForgeError.invalid(FieldProblem("Content-Type", f"must be {_JSON}"))
    if parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise TaskForgeError.invalid(FieldProblem("Content-Type", "must have charset utf-8"))
    if not body:
        raise TaskForgeError.invalid(FieldProblem("body", "must not be empty"))
    return strict_json.parse(body)


def _parameters(parameters: Sequence[tuple[str, str]], route: Route) -> dict[str, Any]:
    """The query's parameters as JSON values of the fields that they name."""
    values: dict[str, Any] = {}
    fields = route.query_fields if parameters else {}
    for name, given in parameters:
        if name not in fields:
            raise TaskForgeError.invalid(FieldProblem(name[:100], "is not a parameter"))
        if name in values:
            raise TaskForgeError.invalid(FieldProblem(name, "must be given once"))
        values[name] = _parameter(fields[name], given)
    return values


def _parameter(field: FieldDescriptor, text: str) -> Any:
    """A parameter's text as a JSON value; what is not one is left for the decoder to refuse."""
    if field.type == FieldDescriptor.TYPE_INT32 and re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    return text
