"""What Schemathesis has to know about requests that fit the contract's schema and are refused.

Each rule is one sentence of the contract, or of the design, that JSON Schema cannot say.
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

from tickets import callback_url

Body = Mapping[str, Any]
AnyCase = Case[Any]

_numbers = count(1)


def _has_nul(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_nul, value.values()))
    return isinstance(value, str) and "\0" in value


def _is_blank(text: str) -> bool:
    return not text.strip()


def _asks_for_too_many(body: Body) -> bool:
    options = body.get("options", {})
    most = options.get("max_ticket_count", 50)
    return bool(options.get("ticket_count", 1) > most)


REFUSED_ON_PURPOSE: dict[str, Callable[[Body], bool]] = {
    "PostgreSQL stores no NUL": _has_nul,
    "a blank title says nothing": lambda body: _is_blank(body["title"]),
    "a blank spec says nothing": lambda body: _is_blank(body["spec"]),
    "a key has at most 255 characters": lambda body: len(body["idempotency_key"]) > 255,
    "no more tickets than the most, and never more than 50": _asks_for_too_many,
    "callbacks go out over HTTPS, to public hosts": lambda body: (
        callback_url.problem(body.get("callback_url", "https://example.com")) is not None
    ),
}


@schemathesis.hook
def map_case(context: HookContext, case: AnyCase) -> AnyCase:
    """Gives each valid submission a key of its own: the same with other content is refused.

    None has a receiver that there could be: the worker calls it. What is wrong on purpose stays
    as it is.
    """
    body: Any = case.body
    if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE and _is_submission(body):
        key = f"{next(_numbers)} {body['idempotency_key']}"
        case.body = body = {**body, "idempotency_key": key}
        if _would_be_called(body.get("callback_url")):
            # Without a placeholder: with one it is no URI to the judge.
            body["callback_url"] = "https://receiver.invalid/hook"
    return case


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: AnyCase, response: Response
) -> bool:
    """Forgives that a request was refused, where that is on purpose; its answer is judged still."""
    body: Any = case.body
    if not isinstance(failure, RejectedPositiveData) or not _is_submission(body):
        return True
    return not any(applies(body) for applies in REFUSED_ON_PURPOSE.values())


def _would_be_called(url: Any) -> bool:
    return isinstance(url, str) and callback_url.problem(url) is None


def _is_submission(body: Any) -> bool:
    return isinstance(body, dict) and "idempotency_key" in body
