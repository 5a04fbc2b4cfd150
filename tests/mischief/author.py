"""A model that writes fairly well: it keeps to the schema, and cites the spec."""

import random
import re
from typing import Any

Json = dict[str, Any]

_NUMBERED = re.compile(r"^\[(\d+)\] (.+)$", re.MULTILINE)
_SPEC = re.compile(r"<spec>\n(.*?)\n</spec>", re.DOTALL)


class Author:
    """Answers one prompt.

    Args:
        prompt: All of its messages.
        chance: Decides what the schema leaves open.
    """

    def __init__(self, prompt: str, chance: random.Random) -> None:
        part = _SPEC.findall(prompt)
        text = part[-1] if part else prompt
        self._chance = chance
        self._sentences = [(int(n), said) for n, said in _NUMBERED.findall(text)] or [
            (1, line) for line in text.splitlines() if line.strip()
        ]

    def answer(self, schema: Json) -> Json:
        """What it says in the shape of a schema."""
        return {name: self._value(name, part) for name, part in schema["properties"].items()}

    def _value(self, name: str, schema: Json) -> Any:
        items = schema.get("items", {})
        if name in {"tickets", "epics"} and items.get("type") == "object":
            return self._list(schema)
        if schema["type"] == "object":
            return self.answer(schema)
        if schema["type"] == "array":
            count = self._chance.randint(schema["minItems"], min(schema.get("maxItems", 3), 3))
            return [self._value(name, schema["items"]) for _ in range(count)]
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        if schema["type"] == "integer":
            return self._chance.randint(schema["minimum"], schema["maximum"])
        return self._said(self._chance.choice(self._sentences)[1], schema.get("maxLength", 200))

    def _list(self, schema: Json) -> list[Json]:
        """Tickets or epics, each about its share of the sentences."""
        least, most = schema["minItems"], schema.get("maxItems", 50)
        count = self._chance.randint(least, min(most, max(least, len(self._sentences))))
        shares = [self._sentences[at::count] for at in range(count)]
        return [
            self._about(share or [self._chance.choice(self._sentences)], schema["items"])
            for share in shares
        ]

    def _about(self, share: list[tuple[int, str]], schema: Json) -> Json:
        made = self.answer(schema)
        most = {name: part.get("maxLength", 500) for name, part in schema["properties"].items()}
        made["title"] = self._said(f"Do {share[0][1]}", most["title"])
        made["description"] = self._said(" ".join(text for _, text in share), most["description"])
        if "criteria" in made:
            told = share[: schema["properties"]["criteria"].get("maxItems", 5)]
            made["criteria"] = [self._said(text, 200) for _, text in told]
        if "sources" in made:
            made["sources"] = [number for number, _ in share[:16]]
        return made

    def _said(self, text: str, most: int) -> str:
        """A sentence of the spec, word for word or with a few words left out."""
        kept = [word for word in text.split() if self._chance.random() < 0.9]
        return (" ".join(kept) or text)[:most]
