"""A model that answers each call by chance: well, badly in one of many ways, or not at all."""

import copy
import json
import random
import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.mischief.author import Author
from tests.mischief.spoiling import TEXTS, VALUES
from tests.ollama_peer import OllamaPeer
from tests.ollama_script import FREE, tokens

Json = dict[str, Any]

_COUNT = re.compile(r'- "tickets": exactly (\d+)')
_EMPTY: Json = {"type": "object", "properties": {}}


class Blame(StrEnum):
    """Whose fault it is when a call goes wrong, and so how the job may end."""

    NOBODY = "nobody"
    SERVER = "server"
    SILENCE = "silence"
    OUTPUT = "output"


# Markers of the scripted peer. A number is the share of the answer that comes before the fault.
_SERVER = (
    "status 400",
    "status 404",
    "status 429",
    "status 500",
    "status 503",
    "error-line",
    "reset",
)
_SILENCE = ("stall", "hang")
_BROKEN = ("length", "no-done", "load", "unload", "loop", "blank")
_HARMLESS = ("slow 0.001", "whole", "no-counts", "thinks", "no-schema", "no-format")
# Beside one of these an answer is of no use, and none is written.
_WORDLESS = ("load", "unload", "loop", "blank")
_CUTTING = ("length", "no-done", "stall", "reset", "error-line")

FAULTS: dict[str, Blame] = {
    **dict.fromkeys(_SERVER, Blame.SERVER),
    **dict.fromkeys(_SILENCE, Blame.SILENCE),
    **dict.fromkeys((*_BROKEN, *VALUES, *TEXTS), Blame.OUTPUT),
    **dict.fromkeys(_HARMLESS, Blame.NOBODY),
}


@dataclass
class Model:
    """Stands behind a scripted peer for one job. Safe to share between threads.

    Attributes:
        peer: Whose `acts` it is.
        seed: Gives the same answers to the same calls.
        rate: How many of the calls go wrong, 0 to 1.
        faults: What goes wrong then.
        always: Markers for every call, such as a window that is smaller than it was said to be.
        heeds_limit: Answers are cut off at `num_predict`, as a real server does.
        done: What went wrong with each call so far; empty where nothing did.
    """

    peer: OllamaPeer
    seed: str
    rate: float
    faults: list[str]
    always: str = ""
    heeds_limit: bool = True
    done: list[str] = field(default_factory=list)
    _schemas: dict[str, Json] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acts(self, body: Json) -> str:
        """The markers of one call; the answer's text is left with the peer."""
        with self._lock:
            call = len(self.done)
            chance = random.Random(f"{self.seed} {call}")
            counts_only = body["options"]["num_predict"] == 1
            wrong = chance.random() < self.rate and not counts_only
            fault = chance.choice(self.faults) if wrong else ""
            self.done.append(fault)
            prompt = body["messages"][-1]["content"] + body["messages"][1]["content"]
            schema = self._understood(body.get("format"), prompt)
        text, cut = self._text(body, prompt, schema, fault, chance)
        marks = [self.always, f"[[peer: {fault}]]" if fault in _MARKERS else ""]
        if fault not in _WORDLESS:
            self.peer.replies[f"call-{call}"] = text
            marks.append(f"[[peer: reply call-{call}]]")
        if cut:
            self.done[call] = fault or "length"
            marks.append("[[peer: length]]")
        return "".join(marks)

    def blames(self) -> list[Blame]:
        """Whose fault each call's was."""
        return [FAULTS[fault] if fault else Blame.NOBODY for fault in self.done]

    def _understood(self, format_: Any, prompt: str) -> Json:
        """The shape of the answer: the grammar's, or what the prompt says of it in words."""
        kind = "tickets" if '- "tickets":' in prompt else "other"
        if isinstance(format_, dict):
            self._schemas[kind] = format_
            return format_
        schema = copy.deepcopy(self._schemas.get(kind, FREE if kind == "tickets" else _EMPTY))
        if count := _COUNT.search(prompt):
            bounds = dict.fromkeys(("minItems", "maxItems"), int(count[1]))
            schema["properties"].get("tickets", {}).update(bounds)
        return schema

    def _text(
        self, body: Json, prompt: str, schema: Json, fault: str, chance: random.Random
    ) -> tuple[str, bool]:
        """What it writes, and whether that was cut off at the limit of the call."""
        answer = Author(prompt, chance).answer(schema)
        if fault in VALUES:
            VALUES[fault](answer, chance)
        text = json.dumps(answer, ensure_ascii=chance.random() < 0.5)
        if fault in TEXTS:
            text = TEXTS[fault](text, chance)
        if fault in _CUTTING:
            text = text[: chance.randint(0, len(text))]
        most = body["options"]["num_predict"] * 4
        too_long = self.heeds_limit and tokens(text) * 4 > most
        return (text[:most], True) if too_long else (text, False)


_MARKERS = {*_SERVER, *_SILENCE, *_BROKEN, *_HARMLESS}
