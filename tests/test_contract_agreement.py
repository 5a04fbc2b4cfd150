"""The public contract and the protos say the same; a change in either of them shows here."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from taskforge.tickets.v1 import jobs_pb2

from tests.agreement import ENUMS, ERROR_SCHEMAS, MESSAGES, SERVICE, disagreements
from tickets import contract

# Of RPCs that take their request from the path and the query.
UNSHOWN_REQUESTS = {method.input_type.name for method in SERVICE.methods if method.input_type}


def test_the_contract_and_the_protos_agree() -> None:
    assert disagreements(contract.openapi()) == []


def test_every_message_and_every_schema_has_its_counterpart() -> None:
    schemas = contract.openapi()["components"]["schemas"]

    without_schema = MESSAGES.keys() - schemas.keys() - UNSHOWN_REQUESTS
    without_proto = schemas.keys() - MESSAGES.keys() - ENUMS.keys() - ERROR_SCHEMAS

    assert (without_schema, without_proto) == (set(), set())


def test_only_the_alias_has_a_name_of_its_own() -> None:
    names = {
        operation["operationId"]
        for operations in contract.openapi()["paths"].values()
        for verb, operation in operations.items()
        if verb != "parameters"
    }

    rpcs = {method.name for method in SERVICE.methods}
    assert names - rpcs == {"SubmitTaskGenerationJobCompatibility"}
    assert rpcs <= names


def changes(node: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of everything in a document that can be changed and ought to be noticed."""
    if isinstance(node, dict | list):
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in pairs:
            yield (*place, key)
            yield from changes(value, (*place, key))


def worth_noticing(place: tuple[str | int, ...]) -> bool:
    """Whether the protos hold what stands at a place.

    They do not hold prose and examples, refusals, or the bounds of a result:
    core checks those by the contract's own schema.
    """
    names = set(map(str, place))
    if names & {"description", "summary", "tags", "examples", "example", *ERROR_SCHEMAS}:
        return False
    if place[0] == "paths":
        return "responses" not in names or (bool(names & {"200", "202"}) and "$ref" in names)
    return place[:2] == ("components", "schemas") and len(place) > 3 and not unheld(place)


RESULT_SCHEMAS = {
    "TicketsResult",
    "SourceSummary",
    "Ticket",
    "Risk",
    "OpenQuestion",
    "GenerationMetadata",
}
BOUNDS = {"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern"}


def unheld(place: tuple[str | int, ...]) -> bool:
    schema, last = place[2], place[-1]
    in_result = schema in RESULT_SCHEMAS and (last in BOUNDS or "metadata" in place[:-1])
    answers = schema not in {"TicketsJobSubmitRequest", "TicketGenerationOptions"}
    return in_result or (answers and last == "const") or last == "format"


def without(document: Any, place: tuple[str | int, ...]) -> Any:
    """A copy of the document in which a place is gone."""
    changed = copy.deepcopy(document)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    del holder[place[-1]]
    return changed


PLACES = [place for place in changes(contract.openapi()) if worth_noticing(place)]


def test_there_is_much_to_notice() -> None:
    assert len(PLACES) > 300


def test_whatever_is_taken_from_the_contract_is_noticed() -> None:
    assert [place for place in PLACES if not noticed(without(contract.openapi(), place))] == []


def noticed(document: Any) -> bool:
    try:
        return bool(disagreements(document))
    except (KeyError, IndexError, TypeError, ValueError):
        return True  # it is no such document any more


REQUEST = ("components", "schemas", "TicketsJobSubmitRequest", "properties")
OPTIONS = ("components", "schemas", "TicketGenerationOptions", "properties")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("paths", "/tickets/v1/jobs", "post", "operationId"), "Submit"),
        (("paths", "/tickets/v1/extra"), {}),
        ((*REQUEST, "title", "minLength"), 2),
        ((*REQUEST, "title", "maxLength"), 200),
        ((*REQUEST, "idempotency_key", "minLength"), 0),
        ((*REQUEST, "idempotency_key", "pattern"), "^[a-z]+$"),
        ((*OPTIONS, "ticket_count", "minimum"), 2),
        ((*OPTIONS, "ticket_count", "multipleOf"), 2),
        ((*OPTIONS, "max_ticket_count", "maximum"), 49),
        (("components", "schemas", "JobStatus", "enum", 0), "waiting"),
        (("components", "schemas", "Ticket", "properties", "title", "type"), "integer"),
        (("components", "schemas", "Ticket", "properties", "title", "type"), ["string", "null"]),
        (("components", "schemas", "Ticket", "properties", "priority", "enum", 0), "none"),
        (("components", "schemas", "Ticket", "properties", "estimate"), {"type": "integer"}),
        (("components", "schemas", "Ticket", "additionalProperties"), True),
    ],
)
def test_a_change_of_the_contract_is_noticed(place: tuple[str | int, ...], value: Any) -> None:
    document = copy.deepcopy(contract.openapi())
    holder = document
    for step in place[:-1]:
        holder = holder[step]  # type: ignore[index] # lists are stepped into by number
    holder[place[-1]] = value  # type: ignore[index]

    if value == {}:
        value["get"] = {"operationId": "Extra"}
    assert noticed(document)


def test_a_result_is_a_message_or_its_json_or_the_job() -> None:
    outcome = jobs_pb2.TicketsJobResultResponse.DESCRIPTOR.oneofs_by_name["outcome"]

    types: list[Any] = [field.message_type for field in outcome.fields]
    assert [each.name for each in types] == [
        "TicketsResult",
        "TicketsJobResponse",
        "HttpBody",
    ]
