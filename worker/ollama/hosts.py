"""Several Ollama servers that have the same model: which one takes the next call."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tickets.errors import JobErrorCode
from worker.generation.job import GenerationError
from worker.ollama.client import OllamaClient
from worker.ollama.faults import RefusedError
from worker.ollama.manner import Manner

# A server that has failed is left alone for so long, twice as long each time.
_REST_S = 5.0
_LONGEST_REST_S = 60.0


@dataclass(slots=True, eq=False)
class Host:
    """One server.

    Attributes:
        client: How it is called.
        manner: What it has not refused so far.
        busy: Calls that it is answering.
        faults: Failures since its last answer.
        window: The `num_ctx` that the model was last loaded with; each change loads it anew.
        rests_until: On the monotonic clock; it is asked last until then.
    """

    client: OllamaClient
    manner: Manner = field(default_factory=Manner)
    busy: int = 0
    faults: int = 0
    window: int = 0
    rests_until: float = 0.0


class Hosts:
    """The servers of one provider. Safe to share between threads."""

    def __init__(self, clients: list[OllamaClient]) -> None:
        self._hosts = [Host(client) for client in clients]
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._hosts)

    @property
    def first(self) -> Host:
        return self._hosts[0]

    @property
    def clients(self) -> list[OllamaClient]:
        """All of them, as listed."""
        return [host.client for host in self._hosts]

    def in_turn(self) -> list[Host]:
        """All of them, in the order in which to ask: rested, least busy, as listed."""
        now = time.monotonic()
        return sorted(self._hosts, key=lambda host: (max(host.rests_until - now, 0.0), host.busy))

    def apart_from(self, address: str) -> list[Host]:
        """All but the one at an address."""
        return [host for host in self._hosts if host.client.address != address]

    @contextmanager
    def taken(self, apart_from: list[Host]) -> Iterator[Host]:
        """The host for a call, counted as busy with it; not one of those tried before."""
        with self._lock:
            host = next(host for host in self.in_turn() if host not in apart_from)
            host.busy += 1
        try:
            yield host
        except GenerationError as fault:
            if is_the_hosts(fault):
                self._rest(host, fault)
            raise
        else:
            with self._lock:
                host.faults, host.rests_until = 0, 0.0
        finally:
            with self._lock:
                host.busy -= 1

    def _rest(self, host: Host, fault: GenerationError) -> None:
        with self._lock:
            growing = min(_REST_S * 2**host.faults, _LONGEST_REST_S)
            asked = fault.retry_after.total_seconds() if fault.retry_after else 0.0
            host.rests_until = time.monotonic() + max(growing, asked)
            host.faults = min(host.faults + 1, 8)


def is_the_hosts(fault: GenerationError) -> bool:
    """Whether a failure says something about the server rather than about the request."""
    if isinstance(fault, RefusedError) and fault.is_about_the_request:
        return False
    return fault.code in {JobErrorCode.OLLAMA_UNAVAILABLE, JobErrorCode.MODEL_TIMEOUT}
