"""The contract's schemas as judges of what the edge answers."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tickets import contract


def assert_fits(document: Any, schema: str) -> None:
    """Fails unless a document is an instance of one of the contract's schemas, by name."""
    faults = [
        f"{fault.json_path}: {fault.message}" for fault in _validator(schema).iter_errors(document)
    ]
    assert not faults, faults


def assert_in_order(document: dict[str, Any], schema: str) -> None:
    """Fails unless the document has the schema's required fields, and in that order."""
    assert list(document) == contract.openapi()["components"]["schemas"][schema]["required"]


@cache
def _validator(name: str) -> Any:
    components = {"schemas": contract.openapi()["components"]["schemas"]}
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    return Draft202012Validator(schema, format_checker=FormatChecker())
