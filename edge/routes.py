"""The public REST routes, read off the descriptors: an RPC with `google.api.http` is one."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import FieldDescriptor, FileDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from taskforge.options.v1 import options_pb2

_VARIABLE = re.compile(r"\{(\w+)\}")
_OK = 200


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP method and path of one RPC.

    Attributes:
        http_method: `GET`, `POST`, …
        path: The template, such as `/tickets/v1/jobs/{job_id}`.
        rpc: Full gRPC name.
        request_type: The class of the request message.
        response_type: The class of the response message.
        has_body: Whether the body is the request; else its fields come from
            path and query.
        success_status: HTTP status of an answer.
    """

    http_method: str
    path: str
    rpc: str
    request_type: type[Message]
    response_type: type[Message]
    has_body: bool
    success_status: int

    @property
    def query_fields(self) -> dict[str, FieldDescriptor]:
        """The fields that a query may set: those that neither body nor path does."""
        if self.has_body:
            return {}
        variables = _VARIABLE.findall(self.path)
        fields: Any = self.request_type.DESCRIPTOR.fields_by_name
        return {name: fields[name] for name in fields if name not in variables}

    @property
    def flask_rule(self) -> str:
        return _VARIABLE.sub(r"<\1>", self.path)

    @property
    def endpoint(self) -> str:
        """A name of its own for Flask: an RPC may have several paths."""
        return f"{self.http_method} {self.path}".replace(".", "_")


def routes(files: Iterable[FileDescriptor]) -> list[Route]:
    """Every route that the services in these files declare."""
    return [
        route
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
        for route in _method_routes(method)
    ]


def _method_routes(method: MethodDescriptor) -> Iterator[Route]:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    if rule.WhichOneof("pattern") is None:
        return
    for binding in (rule, *rule.additional_bindings):
        yield _route(method, binding)


def _route(method: MethodDescriptor, rule: HttpRule) -> Route:
    verb = rule.WhichOneof("pattern")
    if rule.body not in {"", "*"} or verb == "custom" or rule.response_body:
        raise ValueError(f"{method.full_name} has an HTTP rule that is not supported")
    status = method.GetOptions().Extensions[options_pb2.success_status]
    return Route(
        http_method=verb.upper(),
        path=getattr(rule, verb),
        rpc=f"/{method.containing_service.full_name}/{method.name}",
        request_type=GetMessageClass(method.input_type),
        response_type=GetMessageClass(method.output_type),
        has_body=rule.body == "*",
        success_status=status or _OK,
    )
