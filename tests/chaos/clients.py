"""The load: clients that submit, cancel some, poll, and never give up on a request."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests

from tests.stack import SPEC, TERMINAL, Caller, request

JOBS = "/tickets/v1/jobs"

_TIMEOUT_S = 5.0
_PAUSE_S = (0.1, 0.4)
_POLL_S = 0.2
# How long a client looks after a job itself; later the judge does.
_WATCH_S = 15.0
_MOST_AT_ONCE = 3
_CANCELS = 0.15
_REPLAYS = 0.15
_BAD = 500


@dataclass
class Order:
    """One job as its client knows it.

    Attributes:
        job_ids: Every id that its idempotency key was answered with; one, if all is well.
        cancelled: A cancellation was accepted, so that it has to end as `cancelled`.
        asked: A cancellation was asked for, so that it may.
        ended: The final status that was seen.
        result: The result as it was first served.
    """

    body: dict[str, Any]
    job_ids: set[str] = field(default_factory=set)
    asked: bool = False
    cancelled: bool = False
    ended: str | None = None
    result: bytes | None = None

    @property
    def job_id(self) -> str:
        return min(self.job_ids)


class Line:
    """How a client reaches the edges: in turn, and again until one answers sensibly."""

    def __init__(self, urls: Sequence[str], caller: Caller) -> None:
        self.caller = caller
        self.surprises: list[str] = []
        self.answers: Counter[int] = Counter()
        self._urls = list(urls)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {caller.key}"

    def ask(
        self, method: str, path: str, *expected: int, for_s: float, **options: Any
    ) -> requests.Response | None:
        """The first answer that is not a 500; None when there was none in time."""
        deadline = time.monotonic() + for_s
        while time.monotonic() < deadline:
            answer = self._once(method, path, options)
            if answer is not None and answer.status_code < _BAD:
                if answer.status_code not in expected:
                    self.surprises.append(f"{method} {path}: {answer.status_code} {answer.text}")
                return answer
            self._urls.append(self._urls.pop(0))
            time.sleep(random.uniform(*_PAUSE_S))
        return None

    def _once(self, method: str, path: str, options: Any) -> requests.Response | None:
        try:
            answer = self._session.request(
                method, self._urls[0] + path, timeout=_TIMEOUT_S, **options
            )
        except requests.RequestException:
            self.answers[0] += 1
            return None
        self.answers[answer.status_code] += 1
        return answer


class Client(threading.Thread):
    """One client at work until it is told to stop; `orders` are all that it began."""

    def __init__(self, line: Line, dice: random.Random, stopping: threading.Event) -> None:
        super().__init__(name=line.caller.name, daemon=True)
        self.line = line
        self.orders: list[Order] = []
        self._dice = dice
        self._stopping = stopping

    def run(self) -> None:
        while not self._stopping.is_set():
            batch = [self._submit() for _ in range(self._dice.randint(1, _MOST_AT_ONCE))]
            for order in batch:
                if order.job_ids:
                    self._follow(order)

    def _submit(self) -> Order:
        """Begins a job, with as many tries as it takes, all under one idempotency key."""
        spec = f"{SPEC}\n\nIt is order {uuid4()}."
        order = Order(request(spec=spec, options={"ticket_count": self._dice.randint(1, 4)}))
        self.orders.append(order)
        self._send(order)
        return order

    def _send(self, order: Order) -> None:
        answer = self.line.ask("POST", JOBS, 202, for_s=120, json=order.body)
        if answer is not None and answer.status_code == 202:
            order.job_ids.add(answer.json()["job_id"])

    def _follow(self, order: Order) -> None:
        chance = self._dice.random()
        if chance < _CANCELS:
            self._stopping.wait(self._dice.uniform(0, 1))
            self._cancel(order)
        elif chance < _CANCELS + _REPLAYS:
            self._send(order)
        deadline = time.monotonic() + _WATCH_S
        while not order.ended and time.monotonic() < deadline and not self._stopping.is_set():
            look(self.line, order, for_s=_WATCH_S)
            self._stopping.wait(_POLL_S)

    def _cancel(self, order: Order) -> None:
        order.asked = True
        answer = self.line.ask("DELETE", f"{JOBS}/{order.job_id}", 200, 409, for_s=_WATCH_S)
        order.cancelled = answer is not None and answer.status_code == 200


def look(line: Line, order: Order, for_s: float) -> str | None:
    """Asks for a job's status and, once there is one, for its result; returns the status."""
    answer = line.ask("GET", f"{JOBS}/{order.job_id}", 200, for_s=for_s)
    if answer is None or answer.status_code != 200:
        return None
    status: str = answer.json()["status"]
    if status not in TERMINAL:
        return status
    if order.ended not in {None, status}:
        line.surprises.append(f"{order.job_id} was {order.ended} and is {status}")
    order.ended = status
    if status == "completed":
        _fetch(line, order, for_s)
    return status


def _fetch(line: Line, order: Order, for_s: float) -> None:
    answer = line.ask("GET", f"{JOBS}/{order.job_id}/result", 200, for_s=for_s)
    if answer is None or answer.status_code != 200:
        return
    if order.result not in {None, answer.content}:
        line.surprises.append(f"{order.job_id} has another result than before")
    order.result = answer.content
