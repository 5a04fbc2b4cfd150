"""Where the public contract and the descriptors disagree; what the contract's test is made of."""

from collections.abc import Iterator
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from taskforge.options.v1 import options_pb2
from taskforge.tickets.v1 import jobs_pb2, result_pb2

from edge.routes import Route, routes
from tickets.codec import enum_texts, shown_fields
from tickets.contract import MAX_TICKETS
from tickets.errors import WIRE, Reason

# A second path of SubmitTicketsJob, with an operationId of its own.
ALIAS = "/v1/task-generation/jobs"
ALIAS_ID = "SubmitTaskGenerationJobCompatibility"
NOT_READY = str(WIRE[Reason.RESULT_NOT_READY].http_status)
# Of refusals, which no RPC has as a message of its own.
ERROR_SCHEMAS = {"ErrorBody", "ErrorPayload"}
# More tickets than a result can hold are refused, though the contract sets no maximum here.
OPEN_ABOVE = {"ticket_count"}

# What is compared in the schema of a request's field, and what binds nothing. That callback_url is
# a `uri` core sees to itself.
_READ_KEYWORDS = {"type", "$ref", "const", "enum", "minLength", "minimum", "maximum"}
_READ_KEYWORDS |= {"description", "format"}

Schema = dict[str, Any]

MESSAGES: dict[str, Descriptor] = {
    **jobs_pb2.DESCRIPTOR.message_types_by_name,
    **result_pb2.DESCRIPTOR.message_types_by_name,
}
ENUMS = {
    **jobs_pb2.DESCRIPTOR.enum_types_by_name,
    **result_pb2.DESCRIPTOR.enum_types_by_name,
}
SERVICE = jobs_pb2.DESCRIPTOR.services_by_name["TicketsService"]


def disagreements(document: Schema) -> list[str]:
    """A line for each thing that an OpenAPI document and the descriptors say differently."""
    return [*_operations(document), *_schemas(document["components"]["schemas"])]


def _operations(document: Schema) -> Iterator[str]:
    declared = {
        (verb.upper(), path): operation
        for path, operations in document["paths"].items()
        for verb, operation in operations.items()
        if verb != "parameters"
    }
    built = {(route.http_method, route.path): route for route in routes([jobs_pb2.DESCRIPTOR])}
    for place in declared.keys() ^ built.keys():
        yield f"{place} is not in both"
    for place in declared.keys() & built.keys():
        for problem in _operation(declared[place], built[place], document):
            yield f"{place}: {problem}"


def _operation(operation: Schema, route: Route, document: Schema) -> Iterator[str]:
    method: MethodDescriptor = SERVICE.methods_by_name[route.rpc.rpartition("/")[2]]
    if operation["operationId"] != (ALIAS_ID if route.path == ALIAS else method.name):
        yield f"is {operation['operationId']}, and {method.name} in the protos"
    scope = method.GetOptions().Extensions[options_pb2.scope]
    if f"scope {scope}." not in operation["description"]:
        yield f"does not name the scope {scope}"
    successes = {code for code in operation["responses"] if code < "300"}
    not_ready = {NOT_READY} if method.name == "GetTicketsJobResult" else set()
    if successes != {str(route.success_status)} | not_ready:
        yield f"succeeds with {successes}, and {route.success_status} in the protos"
    answer = operation["responses"][str(route.success_status)]
    if not _same_schema(_json_schema(answer), method.output_type):
        yield f"does not answer as {method.name} does"
    if not_ready and _name(_json_schema(operation["responses"][NOT_READY])) != "ErrorBody":
        yield "does not answer with an ErrorBody when it is not ready"
    if operation.get("requestBody", {}).get("required", False) != route.has_body:
        yield "has a body in one only"
    if route.has_body and not _same_schema(
        _json_schema(operation["requestBody"]), method.input_type
    ):
        yield f"does not take what {method.name} takes"
    yield from _parameters(route, document)


def _json_schema(holder: Schema) -> Schema:
    schema: Schema = holder["content"]["application/json"]["schema"]
    return schema


def _same_schema(schema: Schema, message: Any) -> bool:
    """Whether a schema refers to a message's namesake, or is a choice of what it unwraps to."""
    outcome = message.oneofs_by_name.get("outcome")
    if outcome is None:
        return bool(_name(schema) == message.name)
    # The contract has a name for the result as this answer, besides its own.
    choices = [_name(choice) for choice in schema["oneOf"]]
    types = [field.message_type for field in outcome.fields]
    # JSON that was rendered before is the first choice in another form.
    messages = [each.name for each in types if each.full_name != "google.api.HttpBody"]
    return choices == [message.name, *messages[1:]]


def _parameters(route: Route, document: Schema) -> Iterator[str]:
    declared = document["paths"][route.path].get("parameters", [])
    names = {_name(each): document["components"]["parameters"][_name(each)] for each in declared}
    if {f"{{{each['name']}}}" for each in names.values()} != {
        part for part in route.path.split("/") if part.startswith("{")
    }:
        yield "has other path parameters"
    for each in names.values():
        field = route.request_type.DESCRIPTOR.fields_by_name[each["name"]]
        if (each["schema"].get("format") == "uuid") != _rules(field).string.uuid:
            yield f"{each['name']} is a UUID in one only"


def _schemas(schemas: dict[str, Schema]) -> Iterator[str]:
    for name, schema in schemas.items():
        if name in ENUMS:
            texts = list(enum_texts(ENUMS[name]).values())
            if schema != {"type": "string", "enum": texts}:
                yield f"{name}: has the values {schema}, and {texts} in the protos"
        elif name == "TicketsJobResultResponse":
            if _name(schema) != "TicketsResult":
                yield f"{name}: is no other name of TicketsResult"
        elif name not in ERROR_SCHEMAS:
            yield from _message(name, schema)


def _message(name: str, schema: Schema) -> Iterator[str]:
    if name not in MESSAGES:
        yield f"{name}: is no message"
        return
    if schema["type"] != "object":
        yield f"{name}: is a message in the protos"
    fields = {field.name: field for field in shown_fields(MESSAGES[name])}
    if list(schema["properties"]) != list(fields):
        yield f"{name}: has the fields {list(schema['properties'])}, and {list(fields)} there"
    if schema.get("additionalProperties") is not False:
        yield f"{name}: takes unknown fields"
    asked = name in {"TicketsJobSubmitRequest", "TicketGenerationOptions"}
    required = [field.name for field in fields.values() if not asked or not (_may_be_absent(field))]
    if schema.get("required", []) != required:
        yield f"{name}: requires {schema.get('required')}, and {required} there"
    for field_name in fields.keys() & schema["properties"].keys():
        field, held = fields[field_name], schema["properties"][field_name]
        for problem in (*_type(field, held, asked), *(_bounds(field, held) if asked else ())):
            yield f"{name}.{field_name}: {problem}"


def _may_be_absent(field: FieldDescriptor) -> bool:
    return bool(field.has_presence or field.enum_type)


def _type(field: FieldDescriptor, schema: Schema, asked: bool) -> Iterator[str]:
    shown, nullable = _without_null(schema)
    if (shown.get("type") == "array") != field.is_repeated:
        yield "is a list in one only"
        return
    item = shown["items"] if field.is_repeated else shown
    if _kind(item) != _field_kind(field):
        yield f"is {_kind(item)}, and {_field_kind(field)} in the protos"
    # A message has presence in any case; the contract knows one that is ever null.
    may_be_null = field.has_presence and field.message_type is None
    if field.message_type is None and nullable != (may_be_null and not asked):
        yield "may be null in one only"
    if field.full_name.endswith("TicketsJobResponse.error") != (
        nullable and field.message_type is not None
    ):
        yield "may be null in one only"


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    if "oneOf" in schema:
        rest = [choice for choice in schema["oneOf"] if choice != {"type": "null"}]
        return rest[0], len(rest) < len(schema["oneOf"])
    if not isinstance(schema.get("type"), list):
        return schema, False
    [type_] = [each for each in schema["type"] if each != "null"]
    nullable = "null" in schema["type"]
    values = {}
    if "enum" in schema:
        nullable = nullable and None in schema["enum"]
        values["enum"] = [value for value in schema["enum"] if value is not None]
    return {**schema, **values, "type": type_}, nullable


def _kind(schema: Schema) -> str:
    """What a schema holds: a type, a reference, or the values to choose from."""
    if "$ref" in schema:
        return _name(schema)
    if "enum" in schema and schema["type"] == "string":
        return f"one of {', '.join(schema['enum'])}"
    if schema.get("format") == "date-time" and schema["type"] == "string":
        return "time"
    if schema["type"] == "object" and schema.get("additionalProperties") is True:
        return "anything"
    return str(schema["type"])


def _field_kind(field: FieldDescriptor) -> str:
    if field.enum_type is not None:
        texts = enum_texts(field.enum_type).values()
        shared = field.enum_type.name in {"JobStatus", "JobStage"}
        return field.enum_type.name if shared else f"one of {', '.join(texts)}"
    if field.message_type is not None:
        special = {"Timestamp": "time", "Struct": "anything"}
        return special.get(field.message_type.name, field.message_type.name)
    return {
        FieldDescriptor.TYPE_STRING: "string",
        FieldDescriptor.TYPE_INT32: "integer",
        FieldDescriptor.TYPE_BOOL: "boolean",
    }[field.type]


def _bounds(field: FieldDescriptor, schema: Schema) -> Iterator[str]:
    rules = _rules(field)
    if schema.get("const", "") != rules.string.const:
        yield "is constant in one only"
    not_blank = any(rule.id == "text.not_blank" for rule in rules.cel)
    if schema.get("minLength", 0) != max(rules.string.min_len, not_blank):
        yield "has another least length"
    if schema.get("minimum", 0) != rules.int32.gte:
        yield "has another minimum"
    most = MAX_TICKETS if field.name in OPEN_ABOVE else schema.get("maximum", 0)
    if most != rules.int32.lte:
        yield "has another maximum"
    unread = schema.keys() - _READ_KEYWORDS
    if unread:
        yield f"is bound by {unread}, which the protos do not say"


def _rules(field: Any) -> validate_pb2.FieldRules:
    rules: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return rules


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]
