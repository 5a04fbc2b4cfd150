"""What goes wrong with a call, as `GenerationError` with the right code."""

import json
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests
import urllib3

from tickets.errors import JobErrorCode
from worker.generation.job import GenerationError
from worker.line import Line

# The last is Ollama's for a caller who has hung up; on a line that is whole, somebody between did.
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, 499}
_LONGEST_WAIT_S = 3600


class RefusedError(GenerationError):
    """The server has answered with an error of its own.

    Attributes:
        status: The HTTP status; None when the error came within a stream.
        detail: What the server said.
    """

    def __init__(
        self,
        status: int | None,
        detail: str,
        message: str,
        *,
        retryable: bool,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(
            JobErrorCode.OLLAMA_UNAVAILABLE, message, retryable=retryable, retry_after=retry_after
        )
        self.status = status
        self.detail = detail

    @property
    def over_context(self) -> bool:
        """The prompt does not fit into the model's context."""
        return self.status == HTTPStatus.BAD_REQUEST and "context" in self.detail

    @property
    def is_about_the_request(self) -> bool:
        """Another server of the same model would refuse it as well."""
        return self.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}


class UnusableError(GenerationError):
    """The answer has no good end: it loops, it breaks off, or it is far too long."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(JobErrorCode.MODEL_OUTPUT_INVALID, message, retryable=retryable)


def raise_for_status(response: requests.Response, body: dict[str, Any] | None) -> None:
    """Raises what an answer other than 200 means for the request with this body."""
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    detail = _error_text(response)
    if status == HTTPStatus.NOT_FOUND:
        name = (body or {}).get("model", "")
        message = f"the model {name!r} is not installed" if name else "not an Ollama server"
        raise RefusedError(status, detail, message, retryable=False)
    raise RefusedError(
        status,
        detail,
        f"the model's server answered with status {status}",
        retryable=status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING,
        retry_after=_retry_after(response),
    )


def _error_text(response: requests.Response) -> str:
    """What an error says; empty where it breaks off, as its status tells enough."""
    try:
        raw = response.raw.read(4096, decode_content=False).decode("utf-8", "replace")
    except (urllib3.exceptions.HTTPError, OSError):
        return ""
    try:
        return str(json.loads(raw)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return str(raw)


def _retry_after(response: requests.Response) -> timedelta | None:
    """How long the server asks to be left alone, in seconds or until a date; an hour at most."""
    value = response.headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), _LONGEST_WAIT_S))
    try:
        left = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return timedelta(seconds=min(max(left, 0.0), _LONGEST_WAIT_S))


def translated(fault: Exception, line: Line) -> GenerationError:
    """What an exception of the transport means."""
    timeouts = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)
    if isinstance(fault, timeouts) and line.connected:
        return timed_out("the model has fallen silent")
    message = (
        "the connection to the model's server broke"
        if line.connected
        else "the model's server cannot be reached"
    )
    return GenerationError(JobErrorCode.OLLAMA_UNAVAILABLE, message, retryable=True)


def timed_out(message: str) -> GenerationError:
    return GenerationError(JobErrorCode.MODEL_TIMEOUT, message, retryable=True)


def not_ollama() -> GenerationError:
    return GenerationError(
        JobErrorCode.OLLAMA_UNAVAILABLE,
        "the model's server does not speak the Ollama protocol",
        retryable=True,
    )
