"""The public REST contract: the OpenAPI document and the schemas that it declares."""

import json
from functools import cache
from pathlib import Path
from typing import Any

INPUT_VERSION = "tickets.input.v1"
JOB_VERSION = "tickets.job.v1"
RESULT_VERSION = "tickets.result.v1"
MAX_TICKETS = 50

_HERE = Path(__file__).resolve().parent
# In a checkout the contract is one of the protos; a wheel carries it beside this module.
_PLACES = (_HERE.parent / "proto" / "openapi.json", _HERE / "openapi.json")


@cache
def openapi() -> dict[str, Any]:
    """The contract, an OpenAPI 3.1 document. Shared: do not change it."""
    text = next(place for place in _PLACES if place.is_file()).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def result_schema() -> dict[str, Any]:
    """The JSON Schema of a `tickets.result.v1` document, complete in itself."""
    schemas: dict[str, Any] = openapi()["components"]["schemas"]
    root = schemas["TicketsResult"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": RESULT_VERSION,
        **_local(root),
        "$defs": {name: _local(schemas[name]) for name in sorted(_reachable(root, schemas))},
    }


def _reachable(node: Any, schemas: dict[str, Any]) -> set[str]:
    """The names of all schemas that a schema refers to, directly or not."""
    if isinstance(node, list):
        return set().union(*(_reachable(item, schemas) for item in node))
    if not isinstance(node, dict):
        return set()
    names = set().union(*(_reachable(value, schemas) for value in node.values()))
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        names |= {name} | _reachable(schemas[name], schemas)
    return names


def _local(node: Any) -> Any:
    """The same schema with references into `$defs`."""
    if isinstance(node, list):
        return [_local(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"#/$defs/{value.rsplit('/', 1)[-1]}" if key == "$ref" else _local(value)
        for key, value in node.items()
    }
