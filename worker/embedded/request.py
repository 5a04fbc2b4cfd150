"""What a client asks of `/api/chat`, checked and put in the engine's terms."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from worker.embedded.grammar import constraint

MODEL = "smollm2:135m"
NAMES = frozenset({MODEL, "smollm2", "smollm2:latest"})
ROLES = frozenset({"system", "user", "assistant", "tool"})

Body = dict[str, Any]


class Refused(Exception):  # noqa: N818 - an answer to the client, not a fault
    """The request gets an error for an answer.

    Attributes:
        status: Its HTTP status.
        message: Goes into `{"error": …}`.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat request.

    Attributes:
        model: The model's name as the client wrote it.
        stream: Answer in lines as they come, or in one object.
        engine_request: What the engine is asked; None when only to load the model.
    """

    model: str
    stream: bool
    engine_request: Body | None


def body_of(text: bytes) -> Body:
    """The JSON object that a request carries."""
    if not text:
        raise _bad("missing request body")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise _bad(f"invalid JSON: {fault}") from fault
    if not isinstance(body, dict):
        raise _bad("the request body must be a JSON object")
    return body


def known_model(body: Body, *fields: str) -> str:
    """The model's name in the first of these fields that has one."""
    name = next((body[field] for field in fields if body.get(field)), None)
    if name is None:
        raise _bad("model is required")
    if not isinstance(name, str):
        raise _bad("model must be a string")
    if name.lower() not in NAMES:
        raise Refused(HTTPStatus.NOT_FOUND, f"model '{name}' not found")
    return name


def chat_of(body: Body) -> Chat:
    """The chat request in a body.

    `num_ctx` and `truncate` are accepted and change nothing: the window is the
    model's, and a prompt that does not fit is refused.
    """
    model = known_model(body, "model")
    stream = _of_type(body, "stream", bool, default=True)
    messages = [_message(item) for item in _of_type(body, "messages", list, default=[])]
    _refuse_what_the_model_cannot_do(body, model)
    if not messages:
        return Chat(model, stream, None)
    options = _of_type(body, "options", dict, default={})
    try:
        shape = _shape(body.get("format"))
    except RecursionError as fault:
        raise _bad("format is nested too deeply") from fault
    return Chat(model, stream, {"messages": messages, **_engine_options(options), **shape})


def _bad(message: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, message)


def _of_type(body: Body, field: str, kind: type, *, default: Any) -> Any:
    value = body.get(field)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise _bad(f"{field} must be of type {kind.__name__}")
    return value


def _message(item: object) -> Body:
    if not isinstance(item, dict):
        raise _bad("each of messages must be an object")
    role, content = item.get("role"), item.get("content", "")
    if not isinstance(role, str) or role not in ROLES:
        raise _bad(f"invalid role {role!r}; expected one of {', '.join(sorted(ROLES))}")
    if not isinstance(content, str):
        raise _bad("a message's content must be a string")
    if item.get("images"):
        raise _bad("this model does not support images")
    return {"role": role, "content": content}


def _refuse_what_the_model_cannot_do(body: Body, model: str) -> None:
    if body.get("think"):
        raise _bad(f'"{model}" does not support thinking')
    if _of_type(body, "tools", list, default=[]):
        raise _bad(f'"{model}" does not support tools')


def _shape(wanted: object) -> Body:
    if wanted in (None, ""):
        return {}
    if wanted == "json":
        return constraint({"type": "object"})
    if not isinstance(wanted, dict):
        raise _bad(f'invalid format: {wanted!r}; expected "json" or a valid JSON Schema object')
    return constraint(wanted)


# Ollama's name of an option: its type, and the engine's name of it. Those that
# choose memory or threads, and the window, are Ollama's only.
_OPTIONS: dict[str, tuple[type, str | None]] = {
    "temperature": (float, "temperature"),
    "seed": (int, "seed"),
    "num_predict": (int, "max_tokens"),
    "top_k": (int, "top_k"),
    "top_p": (float, "top_p"),
    "min_p": (float, "min_p"),
    "typical_p": (float, "typical_p"),
    "repeat_last_n": (int, "repeat_last_n"),
    "repeat_penalty": (float, "repeat_penalty"),
    "presence_penalty": (float, "presence_penalty"),
    "frequency_penalty": (float, "frequency_penalty"),
    "num_ctx": (int, None),
    "num_keep": (int, None),
    "num_batch": (int, None),
    "num_thread": (int, None),
    "num_gpu": (int, None),
    "main_gpu": (int, None),
}


def _engine_options(options: Body) -> Body:
    """The options by the engine's names; unknown ones are ignored, as Ollama does."""
    wanted: Body = {}
    for name, (kind, engine_name) in _OPTIONS.items():
        value = options.get(name)
        if value is not None:
            number = _number(name, value, kind)
            if engine_name:
                wanted[engine_name] = number
    if wanted.get("max_tokens", 0) < 0:
        del wanted["max_tokens"]  # as many as there is room for
    if options.get("stop") is not None:
        wanted["stop"] = _stops(options["stop"])
    return wanted


def _number(name: str, value: object, kind: type) -> float:
    if type(value) in {int, float}:
        number = kind(value)
        if number == value:
            return float(number) if kind is float else int(number)
    raise _wrong_option(name, "integer" if kind is int else "float32")


def _stops(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(stop, str) for stop in value):
        raise _wrong_option("stop", "an array of strings")
    return value


def _wrong_option(name: str, wanted: str) -> Refused:
    # Ollama reads options late, and so answers 500 where 400 would be right.
    return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, f'option "{name}" must be of type {wanted}')
