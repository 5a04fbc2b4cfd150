"""How the engine is made to keep to a JSON schema.

It has two ways. One takes any schema or refuses it, and lets the model indent.
The other writes no whitespace, which makes an answer two to five times
quicker; but a schema that it does not know it drops without a word. So it gets
only schemas made of what it is known to take.
"""

import json
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]

TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}


def constraint(schema: Schema) -> dict[str, Any]:
    """The field of an engine's request that holds its answer to a schema."""
    if not _compactable(schema):
        return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    compact = {**schema, "x-guidance": {"whitespace_flexible": False}}
    return {"grammar": f"%llguidance {{}}\nstart: %json {json.dumps(compact)}"}


def _compactable(schema: object) -> bool:
    return (
        isinstance(schema, dict)
        and all(key in _KEYWORDS and _KEYWORDS[key](value) for key, value in schema.items())
        and _in_order(schema, "minItems", "maxItems")
        and _in_order(schema, "minLength", "maxLength")
        and _in_order(schema, "minimum", "maximum")
        and set(schema.get("required", ())) <= set(schema.get("properties", ()))
    )


def _in_order(schema: Schema, least: str, most: str) -> bool:
    return least not in schema or most not in schema or bool(schema[least] <= schema[most])


def _a_type(value: object) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _a_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _an_integer(value: object) -> bool:
    return type(value) is int


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _schemas(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_compactable, value))


def _named_schemas(value: object) -> bool:
    return isinstance(value, dict) and all(map(_compactable, value.values()))


def _anything(_: object) -> bool:
    return True


_KEYWORDS: dict[str, Callable[[object], bool]] = {
    "$schema": _anything,
    "title": _anything,
    "description": _anything,
    "default": _anything,
    "type": _a_type,
    "enum": lambda value: isinstance(value, list) and bool(value),
    "const": _anything,
    "anyOf": _schemas,
    "properties": _named_schemas,
    "required": _texts,
    "additionalProperties": lambda value: isinstance(value, bool),
    "items": _compactable,
    "minItems": _a_count,
    "maxItems": _a_count,
    "minLength": _a_count,
    "maxLength": _a_count,
    "minimum": _an_integer,
    "maximum": _an_integer,
}
