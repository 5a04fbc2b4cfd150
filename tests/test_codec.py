"""The contract's JSON and protobuf mean the same: whatever goes in comes out, or is refused."""

import json
import math
from typing import Any

import hypothesis.strategies as st
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from taskforge.tickets.v1 import jobs_pb2, result_pb2

from tickets import strict_json
from tickets.codec import encode, enum_texts, shown_fields, to_json
from tickets.decoding import decode
from tickets.errors import Reason, TaskForgeError

REQUEST = jobs_pb2.TicketsJobSubmitRequest
RESULT = result_pb2.TicketsResult
PUBLIC = [
    descriptor
    for file in (jobs_pb2.DESCRIPTOR, result_pb2.DESCRIPTOR)
    for descriptor in file.message_types_by_name.values()
    if "outcome" not in descriptor.oneofs_by_name
]
BY_NAME = {descriptor.name: descriptor for descriptor in PUBLIC}

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
int32s = st.integers(-(2**31), 2**31 - 1)
# Adding nothing makes a negative zero zero, as the codec does: a whole number has no sign then.
floats = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
numbers = floats | st.integers(-(2**53), 2**53)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def documents(descriptor: Descriptor, *, nulls: bool) -> st.SearchStrategy[dict[str, Any]]:
    """JSON documents of a message type; in responses every field is there, in requests any."""
    fields = {field.name: field_values(field, nulls=nulls) for field in shown_fields(descriptor)}
    if nulls:
        return st.fixed_dictionaries(fields)
    return st.fixed_dictionaries({}, optional=fields)


def field_values(field: FieldDescriptor, *, nulls: bool) -> st.SearchStrategy[Any]:
    one = single_values(field, nulls=nulls)
    if field.is_repeated:
        return st.lists(one, max_size=3)
    return st.none() | one if nulls and field.has_presence else one


def single_values(field: FieldDescriptor, *, nulls: bool) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_ENUM:
        return st.sampled_from(sorted(enum_texts(field.enum_type).values()))
    if field.message_type is None:
        return {
            FieldDescriptor.TYPE_STRING: texts,
            FieldDescriptor.TYPE_BOOL: st.booleans(),
            FieldDescriptor.TYPE_INT32: int32s,
        }[field.type]
    if field.message_type.full_name == "google.protobuf.Struct":
        return st.dictionaries(texts, json_values, max_size=3)
    return documents(field.message_type, nulls=nulls)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


@given(documents(RESULT.DESCRIPTOR, nulls=True))
@settings(max_examples=150, deadline=None)
def test_a_result_document_comes_back_equal(document: dict[str, Any]) -> None:
    message = decode(RESULT, document, nulls=True)

    again = json.loads(to_json(encode(message)))

    assert same(again, document)
    assert list(again) == [field.name for field in RESULT.DESCRIPTOR.fields]
    assert decode(RESULT, again, nulls=True) == message


@given(documents(REQUEST.DESCRIPTOR, nulls=False))
@settings(max_examples=150, deadline=None)
def test_a_request_document_comes_back_with_what_it_had(document: dict[str, Any]) -> None:
    message = decode(REQUEST, document)

    again = encode(message)

    assert same(without_unset(again, document), document)
    assert same(encode(decode(REQUEST, document)), again)


def messages(descriptor: Descriptor) -> st.SearchStrategy[Any]:
    """Messages of a type with any of their fields set, as far as their JSON shows them."""
    special = {"google.protobuf.Struct": structs, "google.protobuf.Timestamp": times}
    if descriptor.full_name in special:
        return special[descriptor.full_name]
    values = {field.name: message_values(field) for field in shown_fields(descriptor)}
    return st.fixed_dictionaries({}, optional=values).map(
        lambda chosen: GetMessageClass(descriptor)(**chosen)
    )


def message_values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        one = messages(field.message_type)
    elif field.enum_type is not None:
        # Unset and unspecified look the same in JSON; a field that can be unset is left so.
        numbers = [0] * (not field.has_presence) + list(enum_texts(field.enum_type))
        one = st.sampled_from(numbers)
    else:
        one = single_values(field, nulls=True)
    return st.lists(one, max_size=3) if field.is_repeated else one


def struct(document: dict[str, Any]) -> Struct:
    message = Struct()
    message.update(document)
    return message


structs = st.dictionaries(texts, json_values, max_size=3).map(struct)
# To the microsecond, as the database keeps them and the contract's JSON shows them.
times = st.integers(-(10**15), 10**17).map(
    lambda micros: Timestamp(seconds=micros // 10**6, nanos=micros % 10**6 * 1000)
)


@pytest.mark.parametrize("name", [descriptor.name for descriptor in PUBLIC])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_message_comes_back_equal(name: str, data: st.DataObject) -> None:
    descriptor = BY_NAME[name]
    message = data.draw(messages(descriptor))

    again = decode(GetMessageClass(descriptor), json.loads(to_json(encode(message))), nulls=True)

    assert again == message


def without_unset(encoded: Any, document: Any) -> Any:
    """The encoded message without what the document did not name."""
    if not isinstance(document, dict):
        return encoded
    return {name: without_unset(encoded[name], document[name]) for name in document}


@given(json_values | documents(REQUEST.DESCRIPTOR, nulls=False))
@settings(max_examples=300, deadline=None)
def test_any_json_is_refused_or_means_what_it_says(document: Any) -> None:
    text = json.dumps(document).encode()

    try:
        message = decode(REQUEST, strict_json.parse(text))
    except TaskForgeError as fault:
        refusal = fault
    else:
        assert same(without_unset(encode(message), document), document)
        return
    assert refusal.reason is Reason.INVALID_ARGUMENT
    assert refusal.fields


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_refused_or_read_as_another_reader_would(data: bytes) -> None:
    try:
        document = strict_json.parse(data)
    except TaskForgeError as fault:
        refusal = fault
    else:
        assert same(json.loads(data.decode("utf-8")), document)
        return
    assert refusal.reason is Reason.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "number", [0.0, -0.0, 1.0, 2.0**53, 2.0**62, 2.0**63, -(2.0**63), 1e300, 5e-324, 0.1]
)
def test_a_number_in_metadata_keeps_its_value(number: float) -> None:
    message = result_pb2.Ticket()
    message.metadata.update({"number": number})

    written = to_json(encode(message)["metadata"])

    assert json.loads(written)["number"] == number
    if number.is_integer() and abs(number) < 2**53:
        assert b"." not in written


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_has_no_number_for_is_null(number: float) -> None:
    message = result_pb2.Ticket()
    message.metadata.update({"number": number})

    assert encode(message)["metadata"] == {"number": None}


@pytest.mark.parametrize("descriptor", PUBLIC, ids=lambda descriptor: descriptor.name)
def test_an_empty_message_shows_all_of_its_fields(descriptor: Descriptor) -> None:
    empty = GetMessageClass(descriptor)()

    assert list(encode(empty)) == [field.name for field in shown_fields(descriptor)]


def test_an_outcome_is_unwrapped() -> None:
    answer = jobs_pb2.TicketsJobResultResponse()
    with pytest.raises(ValueError, match="no outcome"):
        encode(answer)

    answer.job.job_id = "1"

    assert encode(answer) == encode(answer.job)


def test_a_time_is_utc_with_microseconds() -> None:
    job = jobs_pb2.TicketsJobResponse()
    job.created_at.FromJsonString("2026-01-02T03:04:05.000006789+01:00")

    assert encode(job)["created_at"] == "2026-01-02T02:04:05.000006Z"


def test_fields_for_grpc_alone_are_left_out_and_refused() -> None:
    page = jobs_pb2.TicketsJobListResponse(next_page_token="next")

    assert encode(page) == {"jobs": []}
    with pytest.raises(TaskForgeError, match="next_page_token"):
        decode(jobs_pb2.TicketsJobListResponse, {"jobs": [], "next_page_token": "next"})
