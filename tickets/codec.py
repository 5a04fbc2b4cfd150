"""Protobuf messages as the contract's JSON, by rules derived from descriptors.

Proto field names; enums with the prefix stripped, in lower case; unset
`optional` scalars and messages are null; whole numbers of a `Struct` print as
integers; a `oneof outcome` is unwrapped; times are RFC 3339; fields marked
`grpc_only` are left out. The rules of a message type are compiled once.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from taskforge.options.v1 import options_pb2

Encode = Callable[[Any], Any]

# Beyond this the JSON writer takes no integers.
_INT64 = 2**63
# Without a zone, of which `isoformat` would write an offset.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_PLAIN = {
    FieldDescriptor.TYPE_STRING,
    FieldDescriptor.TYPE_BOOL,
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_DOUBLE,
}


def encode(message: Message) -> Any:
    """The message as JSON values, for `to_json` or a validator."""
    return _encoder(message.DESCRIPTOR)(message)


def rendered(message: Message) -> bytes:
    """The message as JSON text; what was rendered before, a `google.api.HttpBody`, as it is."""
    value = encode(message)
    return value if isinstance(value, bytes) else to_json(value)


def to_json(value: Any) -> bytes:
    """JSON values as UTF-8 text, without spaces."""
    return orjson.dumps(value)


def shown_fields(descriptor: Descriptor) -> list[FieldDescriptor]:
    """The fields of a message type that stand in its JSON, in order."""
    return [
        field
        for field in descriptor.fields
        if not field.GetOptions().Extensions[options_pb2.grpc_only]
    ]


@cache
def enum_texts(enum: EnumDescriptor) -> dict[int, str]:
    """An enum's JSON texts by number; the unspecified zero has none."""
    prefix = _enum_prefix(enum)
    return {
        value.number: value.name.removeprefix(prefix).lower()
        for value in enum.values
        if value.number
    }


@cache
def enum_numbers(enum: EnumDescriptor) -> dict[str, Any]:
    """An enum's numbers by JSON text; each enum's stub has a type of its own for them."""
    return {text: number for number, text in enum_texts(enum).items()}


def _enum_prefix(enum: EnumDescriptor) -> str:
    """`JOB_STATUS_` of JobStatus: what the name of the unspecified zero begins with."""
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")


@cache
def _encoder(descriptor: Descriptor) -> Encode:
    special = _SPECIAL.get(descriptor.full_name)
    if special is not None:
        return special
    if "outcome" in descriptor.oneofs_by_name:
        return _encode_outcome
    compiled = [(field.name, _field_encoder(field)) for field in shown_fields(descriptor)]

    def encode_message(message: Message) -> dict[str, Any]:
        return {name: read(message) for name, read in compiled}

    return encode_message


def _encode_outcome(message: Message) -> Any:
    chosen = message.WhichOneof("outcome")
    if chosen is None:
        raise ValueError(f"{message.DESCRIPTOR.full_name} has no outcome")
    return encode(getattr(message, chosen))


def _field_encoder(field: FieldDescriptor) -> Encode:
    """What reads one field off its message."""
    name, one = field.name, _value_encoder(field)
    if field.is_repeated:
        return lambda message: [one(item) for item in getattr(message, name)]
    if field.has_presence:
        return lambda message: one(getattr(message, name)) if message.HasField(name) else None
    return lambda message: one(getattr(message, name))


def _value_encoder(field: FieldDescriptor) -> Encode:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _encoder(field.message_type)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return enum_texts(field.enum_type).get
    if field.type in _PLAIN:
        return lambda value: value
    raise TypeError(f"{field.full_name} has a type that the contract's JSON does not have")


def _encode_timestamp(message: Any) -> str:
    moment = _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)
    return moment.isoformat(timespec="microseconds") + "Z"


def _encode_struct(message: Any) -> dict[str, Any]:
    return {key: _encode_value(message.fields[key]) for key in sorted(message.fields)}


def _encode_value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return _encode_number(value.number_value)
    if kind == "struct_value":
        return _encode_struct(value.struct_value)
    if kind == "list_value":
        return [_encode_value(item) for item in value.list_value.values]
    return None if kind in {None, "null_value"} else getattr(value, kind)


def _encode_number(number: float) -> int | float | None:
    """A double as JSON can carry it: NaN and the infinities are null."""
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < _INT64 else number


_SPECIAL: dict[str, Encode] = {
    "google.protobuf.Timestamp": _encode_timestamp,
    "google.protobuf.Struct": _encode_struct,
    "google.api.HttpBody": attrgetter("data"),
}
