"""A caller's view of TaskForge: the REST contract, with refusals turned into messages."""

import os
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from cli import environment
from cli.failure import Failure, SettingsFailure, UnreachableFailure
from tickets.contract import INPUT_VERSION

DEFAULT_URL = "http://127.0.0.1:8080"

_JOBS = "/tickets/v1/jobs"
# To connect, and between two bytes of the answer.
_TIMEOUT_S = (5, 30)

Document = dict[str, Any]


class RefusedFailure(Failure):
    """The server has answered with an error of the contract.

    Attributes:
        status: The HTTP status.
        retry_after: Seconds after which it may be worth asking again.
    """

    def __init__(self, answer: requests.Response) -> None:
        error = _error(answer)
        lines = [f"{error['code']}: {error['message']}"]
        lines += [
            f"  {detail.get('field')}: {detail.get('problem')}"
            for detail in error.get("details") or []
        ]
        self.status = answer.status_code
        self.retry_after = retry_after(answer)
        if self.retry_after is not None:
            lines.append(f"  try again in {self.retry_after:g} s")
        lines.append(f"  request {answer.headers.get('X-Request-Id', 'without an id')}")
        super().__init__("\n".join(lines))


class Api:
    """The seven operations, for one key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.auth = _bearer(key)
        # A proxy that the environment names is for other hosts than this one.
        self._session.trust_env = urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}
        # A certificate of one's own is as likely here as there.
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True

    def submit(self, request: Document) -> Document:
        return _document(self._call("POST", _JOBS, json=request))

    def job(self, job_id: str) -> Document:
        return _document(self._call("GET", f"{_JOBS}/{quote(job_id, safe='')}"))

    def cancel(self, job_id: str) -> Document:
        return _document(self._call("DELETE", f"{_JOBS}/{quote(job_id, safe='')}"))

    def result(self, job_id: str) -> Document | None:
        """The result, or the job that ended without one; None when it is not ready yet."""
        answer = self._call("GET", f"{_JOBS}/{quote(job_id, safe='')}/result")
        return None if answer.status_code == requests.codes.accepted else _document(answer)

    def jobs(self, limit: int) -> list[Document]:
        """The newest jobs, at most `limit` of them, from as many pages as it takes."""
        found: list[Document] = []
        path: str | None = f"{_JOBS}?page_size={min(limit, 100)}"
        while path and len(found) < limit:
            answer = self._call("GET", path)
            found += _document(answer)["jobs"]
            path = answer.links.get("next", {}).get("url")
        return found[:limit]

    def _call(self, method: str, path: str, **body: Any) -> requests.Response:
        # A `Link` may be a whole address; the key goes to this server only.
        parts = urlsplit(path)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            answer = self._session.request(
                method, self.url + target, timeout=_TIMEOUT_S, allow_redirects=False, **body
            )
        except requests.RequestException as fault:
            raise UnreachableFailure(f"{self.url} does not answer: {_cause(fault)}") from None
        if not answer.ok or answer.is_redirect:
            raise RefusedFailure(answer)
        return answer


def connect() -> Api:
    """The server and the key that the environment names."""
    url = os.environ.get("TASKFORGE_URL") or DEFAULT_URL
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise SettingsFailure(f"TASKFORGE_URL: must be a URL such as {DEFAULT_URL}")
    key = environment.secret("TASKFORGE_API_KEY")
    if not key:
        raise SettingsFailure(
            "TASKFORGE_API_KEY: is not set; an operator makes a key with `taskforge keys create`"
        )
    if not key.isascii() or not key.isprintable():
        raise SettingsFailure("TASKFORGE_API_KEY: has characters that no key has")
    return Api(url.rstrip("/"), key)


def submission(
    title: str, spec: str, idempotency_key: str, options: Document, callback_url: str | None
) -> Document:
    """The body of a submit; what is not asked for is left to the server's defaults."""
    body: Document = {
        "schema_version": INPUT_VERSION,
        "idempotency_key": idempotency_key,
        "title": title,
        "spec": spec,
    }
    if options:
        body["options"] = options
    if callback_url is not None:
        body["callback_url"] = callback_url
    return body


def retry_after(answer: requests.Response) -> float | None:
    """The `Retry-After` header, in seconds."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _bearer(key: str) -> Any:
    """Sets the header as an authenticator: a plain header would lose against a `.netrc`."""

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {key}"
        return request

    return sign


def _document(answer: requests.Response) -> Document:
    try:
        document: Document = answer.json()
    except ValueError:
        raise RefusedFailure(answer) from None
    return document


def _error(answer: requests.Response) -> Document:
    """The contract's error, or one in its form for what else may stand at that address."""
    try:
        error: Document = answer.json()["error"]
        return {"code": str(error["code"]), "message": str(error["message"]), **error}
    except (ValueError, KeyError, TypeError):
        return {
            "code": f"HTTP {answer.status_code}",
            "message": "this is not an answer of TaskForge; check TASKFORGE_URL",
        }


def _cause(fault: requests.RequestException) -> str:
    if isinstance(fault, requests.Timeout):
        return "it took too long"
    if isinstance(fault, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    if isinstance(fault, requests.ConnectionError):
        return "no connection; is `taskforge up` running there?"
    return type(fault).__name__
