"""Calls to an Ollama server: chat, always streamed, and what it tells about itself.

Every failure is a `GenerationError` that says whether another attempt may do
better. Nothing here knows what is asked for.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from worker.cancellation import Cancellation
from worker.generation.job import GenerationCancelled, GenerationError
from worker.line import Line, session
from worker.ollama.faults import (
    UnusableError,
    not_ollama,
    raise_for_status,
    timed_out,
    translated,
)
from worker.ollama.stream import Reply, assemble

_FAULTS = (GenerationError, requests.RequestException, urllib3.exceptions.HTTPError, OSError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take, its caller's deadline apart.

    Attributes:
        connect_s: Until the server is connected.
        first_byte_s: Until the first byte: a cold model sends no headers while it loads.
        idle_s: Between two pieces of an answer.
        answer_bytes: The whole answer, as it comes over the wire.
    """

    connect_s: float = 5.0
    first_byte_s: float = 330.0
    idle_s: float = 60.0
    answer_bytes: int = 32 * 1024 * 1024


class OllamaClient:
    """An Ollama server at a URL. Safe to share between threads."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self.url = url.rstrip("/")
        self._limits = limits or Limits()

    @property
    def address(self) -> str:
        """Host and port; a password in the URL is nobody's business."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def public_url(self) -> str:
        """The URL as it may be shown."""
        return urlsplit(self.url)._replace(netloc=self.address).geturl()

    def chat(
        self,
        body: dict[str, Any],
        *,
        deadline: float,
        cancellation: Cancellation,
        heard: Callable[[str], None],
    ) -> Reply:
        """One answer of `/api/chat`.

        Args:
            body: The request, without `stream`.
            deadline: On the monotonic clock.
            cancellation: Cuts the connection at any moment.
            heard: Is given each piece of the answer, also of one that breaks off.

        Raises:
            GenerationError: No whole answer has come.
            GenerationCancelled: The stop was asked for.
        """
        with self._call(
            "POST", "/api/chat", {**body, "stream": True}, deadline, cancellation
        ) as chunks:
            return replace(assemble(chunks, heard), server=self.address)

    def show(
        self, model: str, *, deadline: float, cancellation: Cancellation | None = None
    ) -> dict[str, Any]:
        """What `/api/show` says about a model."""
        return self._fetch("POST", "/api/show", {"model": model}, deadline, cancellation)

    def tags(self, *, deadline: float, cancellation: Cancellation | None = None) -> dict[str, Any]:
        """The installed models, as `/api/tags` lists them."""
        return self._fetch("GET", "/api/tags", None, deadline, cancellation)

    def ps(self, *, deadline: float) -> dict[str, Any]:
        """The loaded models, as `/api/ps` lists them."""
        return self._fetch("GET", "/api/ps", None, deadline)

    def version(self, *, deadline: float) -> str:
        """The server's version; empty when it does not tell."""
        found = self._fetch("GET", "/api/version", None, deadline).get("version")
        return found if isinstance(found, str) else ""

    def _fetch(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        deadline: float,
        cancellation: Cancellation | None = None,
    ) -> dict[str, Any]:
        stop = cancellation or Cancellation()
        with self._call(method, path, body, deadline, stop) as chunks:
            try:
                found = json.loads(b"".join(chunks))
            except (ValueError, RecursionError):
                found = None
        if not isinstance(found, dict):
            raise not_ollama()
        return found

    @contextmanager
    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        deadline: float,
        cancellation: Cancellation,
    ) -> Iterator[Iterator[bytes]]:
        """The bytes of a successful answer, piece by piece as they come."""
        line = Line()
        alarm = threading.Timer(max(0.0, deadline - time.monotonic()), line.cut)
        alarm.daemon = True
        alarm.start()
        try:
            with (
                cancellation.interrupting(line.cut),
                session(line) as http,
                http.request(
                    method,
                    self.url + path,
                    json=body,
                    headers={"Accept-Encoding": "identity"},
                    timeout=(self._limits.connect_s, self._limits.first_byte_s),
                    stream=True,
                    allow_redirects=False,
                ) as response,
            ):
                if not response.ok:
                    line.wait_at_most(self._limits.connect_s)  # an error has its text with it
                raise_for_status(response, body)
                yield self._pieces(response, line)
        except _FAULTS as fault:
            # A cut line can look like any fault, or like the end of the answer.
            if cancellation.requested:
                raise GenerationCancelled from fault
            if time.monotonic() >= deadline:
                raise timed_out("the model has not answered within the time for a job") from fault
            if isinstance(fault, GenerationError):
                raise
            raise translated(fault, line) from fault
        finally:
            alarm.cancel()
        if cancellation.requested:
            raise GenerationCancelled

    def _pieces(self, response: requests.Response, line: Line) -> Iterator[bytes]:
        total, heard_at = 0, time.monotonic()
        while piece := response.raw.read1(65536):
            total += len(piece)
            if total > self._limits.answer_bytes:
                raise UnusableError("the model's answer is too long", retryable=False)
            line.wait_at_most(self._limits.idle_s)
            if piece.strip():
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > self._limits.idle_s:  # blank lines tell nothing
                raise TimeoutError
            yield piece
