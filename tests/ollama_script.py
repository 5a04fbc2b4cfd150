"""How the markers in a prompt change the scripted Ollama's answer."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from tests.schema_filler import fill

Json = dict[str, Any]
_MARKER = re.compile(r"\[\[peer: ([a-z-]+)(?: ([\w.-]+))?\]\]")
_CHUNK = 40
_NO_SCHEMA = "invalid JSON schema in format"
_BEGUN = '"criteria"'
_REFUSES_SCHEMA = {"no-schema": 400, "old-schema": 500}


class Teacher(Protocol):
    """What a script knows of its peer."""

    replies: dict[str, str]
    choose: Callable[[list[Any]], Any]
    fill: Callable[[Json], Any] | None

    def first_time(self, what: str) -> bool: ...
    def remembered(self, prompt: str) -> int: ...


class Script:
    """What the markers of one prompt ask for."""

    def __init__(self, peer: Teacher, prompt: str) -> None:
        self._peer = peer
        self._prompt = prompt
        self._silenced = False
        self._most = sys.maxsize
        self.says: dict[str, str] = {}
        for name, value in _MARKER.findall(prompt):
            base = name.removesuffix("-once")
            if base == name or peer.first_time(f"{name} {value}"):
                self.says[base] = value
        self._remembered = peer.remembered(prompt) if "caches" in self.says else 0

    def refusal(self, body: Json) -> tuple[int, str] | None:
        """Status and error of a request that is turned down before the first chunk."""
        if "status" in self.says:
            return int(self.says["status"]), "scripted failure"
        if "fail" in self.says or "unended" in self.says:
            return int(self.says.get("unended") or 500), "scripted failure"
        if "full" in self.says:
            return 500, "model requires more system memory (7.1 GiB) than is available (3.9 GiB)"
        return self._too_much(body)

    def _too_much(self, body: Json) -> tuple[int, str] | None:
        """What the model or its server cannot do."""
        if "narrow" in self.says and tokens(self._prompt) > int(self.says["narrow"]):
            return 400, _over_context(tokens(self._prompt), int(self.says["narrow"]))
        if "no-think" in self.says and "think" in body:
            return 400, f'"{body["model"]}" does not support thinking'
        if "no-single" in self.says and body["options"]["num_predict"] == 1:
            return 500, "scripted failure"
        refusals = [status for name, status in _REFUSES_SCHEMA.items() if name in self.says]
        if refusals and isinstance(body.get("format"), dict):
            return refusals[0], _NO_SCHEMA
        if "no-format" in self.says and "format" in body:
            return 400, "invalid format: structured outputs are not supported"
        return None

    def error_within(self, body: Json) -> str:
        """The error that a stream ends with; empty when there is none."""
        if "error-line" in self.says:
            return "llama runner process has terminated"
        refused = "older-schema" in self.says and isinstance(body.get("format"), dict)
        return _NO_SCHEMA if refused else ""

    def prompt_tokens(self) -> int:
        """What `prompt_eval_count` says: less when the prompt was cut without a word.

        What is remembered of an earlier prompt is not read again, and not counted, but for the
        last token.
        """
        whole = tokens(self._prompt)
        window = int(self.says.get("cuts") or whole)
        read = whole if whole <= window else window // 2
        return max(read - self._remembered // 4, 1)

    def completion_tokens(self, text: str) -> int:
        """What `eval_count` says: of thoughts and text."""
        verbose = text.count(_BEGUN) * int(self.says.get("verbose", 0))
        return min(max(tokens(text) + tokens(self.thoughts()), verbose, 1), self._most)

    def thoughts(self) -> str:
        """What comes in a field of its own before the answer."""
        if "ponders" in self.says:
            return "hmm " * min(int(self.says["ponders"]), self._most)
        return "Hm, {…} perhaps." if "thinks" in self.says else ""

    def allow(self, body: Json) -> None:
        """Thoughts may leave no token to the answer."""
        self._most = body.get("options", {}).get("num_predict") or self._most
        if self._most <= int(self.says.get("ponders", 0)):
            self.says["length"] = ""
            self._silenced = True

    def text(self, format_: Any, prompt: str) -> str:
        if "reply" in self.says:
            return self._peer.replies[self.says["reply"]]
        if self._silenced or not self.says.keys().isdisjoint({"load", "unload"}):
            return ""
        for fault, text in _USELESS.items():
            if fault in self.says:
                return text
        schema = format_ if isinstance(format_, dict) else FREE
        plain = _MARKER.sub("", prompt)
        own = self._peer.fill
        made = own(schema) if own else fill(schema, plain, choose=self._peer.choose)
        answer = json.dumps(made, ensure_ascii=False, sort_keys="sorted" in self.says)
        if "short" in self.says:
            value = json.loads(answer)
            value["tickets"] = value["tickets"][:-1] or value["tickets"]
            answer = json.dumps(value)
        if "verbose" in self.says:
            return self._as_far_as_it_gets(answer)
        if "fenced" in self.says:
            return f"<think>Let me see {{…}}</think>Here it is:\n```json\n{answer}\n```\nEnjoy!"
        return answer if self.says.keys().isdisjoint(_HALF) else answer[: len(answer) // 2]

    def _as_far_as_it_gets(self, answer: str) -> str:
        takes = answer.count(_BEGUN) * int(self.says["verbose"])
        if takes <= self._most:
            return answer
        self.says["length"] = ""
        return answer[: len(answer) * self._most // takes]

    def pieces(self, text: str) -> Iterator[str]:
        size = _CHUNK if "slow" in self.says or "loop" in self.says else max(len(text), 1)
        for start in range(0, len(text), size):
            yield text[start : start + size]


def tokens(text: str) -> int:
    """How the scripted model counts."""
    return len(text) // 4


def _over_context(given: int, window: int) -> str:
    """JSON within the error's text, as the engine's own error comes through."""
    inner = {
        "code": 400,
        "message": "the request exceeds the available context size",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": given,
        "n_ctx": window,
    }
    return json.dumps({"error": inner})


_USELESS = {
    "garbage": "Of course! I would begin with the login, and then see.",
    "loop": "the same " * 500,
    "blank": '{"tickets": [' + "\n " * 800,
}
_HALF = {"length", "stall", "drips", "reset", "error-line", "no-done"}

# What a model writes that is told the shape only in words.
FREE: Json = {
    "type": "object",
    "properties": {
        "tickets": {
            "type": "array",
            "minItems": 3,
            "items": {
                "type": "object",
                "properties": {
                    "title": {"type": "string", "minLength": 20},
                    "description": {"type": "string", "minLength": 60},
                    "criteria": {
                        "type": "array",
                        "minItems": 2,
                        "items": {"type": "string", "minLength": 20},
                    },
                },
            },
        }
    },
}
