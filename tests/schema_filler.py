"""Instances of a JSON schema, filled with words of a prompt: a plausible model's answer."""

import re
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

Choose = Callable[[list[Any]], Any]
_SPEC = re.compile(r"<spec>\n(.*?)\n</spec>", re.DOTALL)


def fill(schema: dict[str, Any], prompt: str, *, choose: Choose = lambda values: values[0]) -> Any:
    """An instance that the schema allows.

    Args:
        schema: With types, enums, consts, items, properties and lengths.
        prompt: Where the words come from: its part between <spec> tags, if it has one.
        choose: Picks one of an enum's values.
    """
    spec = _SPEC.search(prompt)
    words = re.findall(r"[^\W\d_]{3,}", spec.group(1) if spec else prompt) or ["work"]
    return _Filler(words, choose).value(schema)


class _Filler:
    def __init__(self, words: list[str], choose: Choose) -> None:
        self._words: Iterator[str] = cycle(words)
        self._choose = choose
        self._numbers = 0

    def value(self, schema: dict[str, Any]) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choose(schema["enum"])
        kind = schema.get("type", "string")
        kind = kind[0] if isinstance(kind, list) else kind
        return getattr(self, f"_{kind}")(schema)

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {name: self.value(part) for name, part in schema.get("properties", {}).items()}

    def _array(self, schema: dict[str, Any]) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", 50)
        size = min(max(least, 2), most)
        return [self.value(schema["items"]) for _ in range(size)]

    def _string(self, schema: dict[str, Any]) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
        text = ""
        while len(text) < max(least, min(30, most)):
            text = f"{text} {next(self._words)}".strip()
        return text[:most].strip().ljust(least, ".").capitalize()

    def _integer(self, schema: dict[str, Any]) -> int:
        least, most = schema.get("minimum", 0), schema.get("maximum", 1000)
        self._numbers += 1
        return int(least + self._numbers % (most - least + 1))

    _number = _integer

    def _boolean(self, _: dict[str, Any]) -> bool:
        return True

    def _null(self, _: dict[str, Any]) -> None:
        return None
