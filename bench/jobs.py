"""What a job costs besides its model: throughput, latency, CPU and memory, on both backends.

Beside it, in the same run, a task of Celery and one of Huey, each on Redis,
that does nothing but store a result of the same size. The model is a scripted
one that answers at once. Needs what requirements-bench.lock lists.

    python -m bench.jobs [--jobs 300] [--workers 1 4] [--backends embedded postgresql]
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlsplit

from bench import edge_cpu, jobs_peers
from bench.jobs_peers import Figures, in_parallel
from tests.processes import launch
from tests.servers import own_postgres, own_redis
from tests.stack import Caller, Stack, request, running
from tests.storage import execute
from tests.waiting import eventually

_WARM_UP = 30
_POLL_S = 0.001
_SETTINGS = {
    # The defaults, in place of the short times that tests use; and room for the load.
    "TASKFORGE_LEASE_S": "60",
    "TASKFORGE_HEARTBEAT_S": "15",
    "TASKFORGE_SWEEP_S": "10",
    "TASKFORGE_RATE_LIMIT": "100000000/minute",
    "TASKFORGE_MAX_QUEUED": "1000000",
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4])
    parser.add_argument(
        "--backends", nargs="+", choices=_BACKENDS, default=list(_BACKENDS), metavar="NAME"
    )
    options = parser.parse_args(arguments)
    print(Figures.HEAD, flush=True)
    with _model() as url:
        for workers in options.workers:
            for backend in options.backends:
                with _BACKENDS[backend]() as storage:
                    environ = {**_SETTINGS, **storage.environ, "TASKFORGE_OLLAMA_URL": url}
                    _report(_ours(backend, environ, storage.pids, workers, options.jobs))
            for name in jobs_peers.PEERS:
                _report(jobs_peers.measure(name, workers, options.jobs))


def _report(figures: Figures) -> None:
    print(figures, flush=True)


@contextmanager
def _model() -> Iterator[str]:
    """The scripted model, in a process of its own, whose CPU time is nobody's here."""
    with tempfile.TemporaryFile("w+") as output:
        command = [sys.executable, "-m", "tests.ollama_peer", "--port", "0"]
        started = launch(command, output.fileno(), signal.SIGKILL, folder=Path.cwd())

        def url() -> str:
            output.seek(0)
            return output.read().strip()

        yield eventually(url)
        started.kill()
        started.wait()


@dataclass(frozen=True, slots=True)
class _Storage:
    """A fresh database and queue, and the processes of their servers."""

    environ: dict[str, str]
    pids: set[int]


@contextmanager
def _embedded() -> Iterator[_Storage]:
    yield _Storage({}, set())


@contextmanager
def _postgresql() -> Iterator[_Storage]:
    with own_postgres() as database, own_redis() as queue:
        environ = {
            "TASKFORGE_DATABASE_URL": database.create_database("bench"),
            "TASKFORGE_QUEUE_URL": queue.fresh_url(),
        }
        servers = (database.process, queue.process)
        yield _Storage(environ, {server.pid for server in servers if server})


_BACKENDS = {"embedded": _embedded, "postgresql": _postgresql}


def _ours(
    backend: str, environ: dict[str, str], storage: set[int], workers: int, jobs: int
) -> Figures:
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory()))
        environ["TASKFORGE_WORKERS"] = str(workers)
        stack = started.enter_context(running(environ, folder))
        caller = stack.caller()
        own = {room.pid for room in (stack.core, stack.edge, stack.worker)}
        alone = _Api(caller)
        for _ in range(_WARM_UP):
            alone.finish()
        took = sorted(_milliseconds(alone.finish) for _ in range(jobs))
        apis = [_Api(caller) for _ in range(jobs_peers.CALLERS)]
        before, began = edge_cpu.read(own | storage), perf_counter()
        job_ids = in_parallel([api.submit for api in apis], jobs)
        eventually(lambda: not _unfinished(stack), within_s=600)
        elapsed = perf_counter() - began
        in_parallel([api.result for api in apis], jobs, job_ids)
        after = edge_cpu.read(own | storage)
        return Figures(
            name=f"TaskForge, {backend}",
            workers=workers,
            jobs_per_s=jobs / elapsed,
            took_ms=took,
            cpu_ms=1000 * sum(after.trees[pid] - before.trees[pid] for pid in own) / jobs,
            storage_ms=1000 * sum(after.trees[pid] - before.trees[pid] for pid in storage) / jobs,
            parts="  ".join(
                f"{room.name} {1000 * (after.trees[room.pid] - before.trees[room.pid]) / jobs:.1f}"
                f" ms {edge_cpu.memory_mb(room.pid):.0f} MB"
                for room in (stack.core, stack.edge, stack.worker)
            ),
            memory_mb=sum(map(edge_cpu.memory_mb, own)),
        )


def _unfinished(stack: Stack) -> int:
    sleep(0.01)
    ((count,),) = execute(stack, "SELECT count(*) FROM jobs WHERE ended_at IS NULL")
    return int(count)


def _milliseconds(act: Callable[[], object]) -> float:
    began = perf_counter()
    act()
    return (perf_counter() - began) * 1000


class _Api:
    """A caller over one connection, with as little work of its own as can be."""

    def __init__(self, caller: Caller) -> None:
        address = urlsplit(caller.stack.url)
        self._connection = HTTPConnection(address.hostname or "", address.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {caller.key}"}

    def submit(self) -> str:
        body = json.dumps(request(options={"ticket_count": 3}))
        json_type = {"Content-Type": "application/json"}
        job_id: str = self._call("POST", "/tickets/v1/jobs", body, json_type)["job_id"]
        return job_id

    def result(self, job_id: str) -> Any:
        return self._call("GET", f"/tickets/v1/jobs/{job_id}/result")["tickets"]

    def finish(self) -> None:
        """One job from submit to completed; asks every millisecond."""
        job_id = self.submit()
        while (job := self._call("GET", f"/tickets/v1/jobs/{job_id}"))["status"] != "completed":
            if job["error"]:
                raise SystemExit(f"a job ended as {job}")
            sleep(_POLL_S)

    def _call(
        self, method: str, path: str, body: str | None = None, more: dict[str, str] | None = None
    ) -> Any:
        self._connection.request(method, path, body, {**self._headers, **(more or {})})
        return json.loads(self._connection.getresponse().read())


if __name__ == "__main__":
    main()
