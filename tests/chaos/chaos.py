"""One run from the first submit to the verdict."""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.clients import Client, Line, look
from tests.chaos.fleet import Fleet, embedded, servers
from tests.chaos.judge import Verdict, judge, shown, spread
from tests.chaos.monkey import Monkey
from tests.ollama_peer import OllamaPeer
from tests.storage import opened

BACKENDS: dict[str, Callable[[Path, OllamaPeer], AbstractContextManager[Fleet]]] = {
    "sqlite": embedded,
    "postgresql": servers,
}

_CLIENTS = 10
_THINKING_S = (0.02, 1.0)
_TICK_S = 0.05
# By then all that was accepted has to have ended: some leases, and the queue of the clients.
_REST_S = 120.0
_COUNTED = (
    *("submitted", "accepted", "completed", "cancelled", "failed", "expired"),
    *("lost", "duplicated", "leases lost", "attempts given back"),
)
_STALE = re.compile(r"is no longer this worker's|has to stop: the lease no longer holds")


@dataclass
class Report:
    """A run's figures, and what was wrong with it."""

    seed: int
    backend: str
    seconds: float
    rest_s: float
    kills: Counter[str]
    troubles: Counter[str]
    answers: Counter[int]
    stale: int
    verdict: Verdict

    def text(self) -> str:
        """The report, a line per figure."""
        head = f"chaos on {self.backend}, seed {self.seed}: {self.seconds:.0f} s of load"
        rows = {kind: str(self.verdict.counts[kind]) for kind in _COUNTED} | {
            "stale writes refused": str(self.stale),
            "kills": f"{self.kills.total()}: {_listed(self.kills)}",
            "troubles": f"{self.troubles.total()}: {_listed(self.troubles)}",
            "answers to clients": f"{_listed(self.answers)} (0: none)",
            "at rest after the end": f"{self.rest_s:.1f} s",
            # From a fault's end until a job that was submitted after it was completed.
            "recovery": spread(self.verdict.recoveries),
            # From the kill of a worker until its job was taken from it, and until it was claimed.
            "lost worker to queue": spread(self.verdict.takings),
            "lost worker to claim": spread(self.verdict.reclaims),
        }
        lines = (f"  {label:<24}{value}" for label, value in rows.items())
        wrongs = (f"  WRONG {line}" for line in shown(self.verdict.wrongs))
        return "\n".join([head, *lines, *wrongs])


def torment(backend: str, folder: Path, *, kills: int, seed: int) -> Report:
    """Runs an installation under load and under a monkey, lets it come to rest, and judges.

    Args:
        backend: One of `BACKENDS`.
        folder: Where the installation keeps its files and logs.
        kills: How many processes are killed, one a second.
        seed: What the dice of the monkey and of the clients start from.
    """
    dice = random.Random(seed)
    with OllamaPeer() as peer, BACKENDS[backend](folder, peer) as fleet:
        peer.takes = lambda: random.uniform(*_THINKING_S)
        monkey = Monkey(fleet, dice)
        stopping = threading.Event()
        clients = [
            Client(Line(fleet.urls, fleet.stack.caller()), random.Random(seed + number), stopping)
            for number in range(_CLIENTS)
        ]
        began = time.monotonic()
        for client in clients:
            client.start()
        while monkey.kills.total() < kills:
            monkey.act()
            fleet.tend()
            time.sleep(_TICK_S)
        seconds = time.monotonic() - began
        monkey.heal_all()
        stopping.set()
        rest_s = _rest(fleet, clients)
        with opened(fleet.stack) as database:
            verdict = judge(clients, database, monkey.faults)
        return Report(
            seed=seed,
            backend=backend,
            seconds=seconds,
            rest_s=rest_s,
            kills=monkey.kills,
            troubles=monkey.troubles,
            answers=sum((client.line.answers for client in clients), Counter()),
            stale=len(_STALE.findall(fleet.logs())),
            verdict=verdict,
        )


def _rest(fleet: Fleet, clients: Sequence[Client]) -> float:
    """Waits until every accepted job has ended, bounded; returns the seconds that it took.

    Processes are still tended, and the clients' last requests are answered.
    """
    began = time.monotonic()
    looking = threading.Thread(target=_look_at_all, args=(clients, began + _REST_S), daemon=True)
    looking.start()
    while looking.is_alive():
        fleet.tend()
        time.sleep(_TICK_S)
    return time.monotonic() - began


def _look_at_all(clients: Sequence[Client], deadline: float) -> None:
    for client in clients:
        client.join(max(0.0, deadline - time.monotonic()))
    for client in clients:
        for order in client.orders:
            if not order.job_ids:
                continue
            while True:
                look(client.line, order, for_s=max(0.1, deadline - time.monotonic()))
                if order.ended or time.monotonic() > deadline:
                    break
                time.sleep(_TICK_S)


def _listed(counts: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=str))
