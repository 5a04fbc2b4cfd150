"""Celery and Huey on Redis, with a task that only stores its result; and what is measured.

Run as a program it is the producer of one of them, in a process of its own
whose CPU time counts, as that of core does: it writes into the storage.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, ClassVar

from bench import edge_cpu
from tests.hands import result_document, ticket
from tests.processes import launch
from tests.servers import own_redis

CALLERS = 4
_URL = "TASKFORGE_BENCH_REDIS_URL"
_WARM_UP = 30
_POLL_S = 0.001
_LONGEST_S = 60.0
RESULT = {**result_document("job"), "tickets": [ticket(f"SPEC-{n}") for n in (1, 2, 3)]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one side has shown, as a line of the table.

    Attributes:
        took_ms: Sorted, one job at a time.
        cpu_ms: CPU time of a job, over all of the side's processes.
        storage_ms: The same of its database's and queue's servers.
        parts: What each process had in that, for information.
    """

    HEAD: ClassVar[str] = (
        f"{'':<24} {'workers':>7} {'jobs/s':>7} {'median ms':>9} {'p99 ms':>7} "
        f"{'CPU ms':>7} {'storage':>7} {'MB':>5}"
    )

    name: str
    workers: int
    jobs_per_s: float
    took_ms: Sequence[float]
    cpu_ms: float
    storage_ms: float
    memory_mb: float
    parts: str = ""

    def __str__(self) -> str:
        p99 = self.took_ms[min(len(self.took_ms) - 1, round(len(self.took_ms) * 0.99))]
        return (
            f"{self.name:<24} {self.workers:>7} {self.jobs_per_s:>7.1f} "
            f"{statistics.median(self.took_ms):>9.1f} {p99:>7.1f} {self.cpu_ms:>7.2f} "
            f"{self.storage_ms:>7.2f} {self.memory_mb:>5.0f}  {self.parts}"
        ).rstrip()


def in_parallel(
    acts: Sequence[Callable[..., Any]], times: int, values: Sequence[Any] | None = None
) -> list[Any]:
    """Acts so many times in all, each of the acts on a thread of its own, over its values."""

    def share(number: int) -> list[Any]:
        if values is None:
            return [acts[number]() for _ in range(number, times, len(acts))]
        return [acts[number](value) for value in values[number :: len(acts)]]

    with ThreadPoolExecutor(len(acts)) as threads:
        return [one for some in threads.map(share, range(len(acts))) for one in some]


# The tasks. Each peer is made in the process that uses it.


def celery_task() -> Any:
    from celery import Celery  # noqa: PLC0415 - not in the processes of others

    app = Celery("bench", broker=os.environ[_URL], backend=os.environ[_URL])
    app.conf.update(task_ignore_result=False, worker_hijack_root_logger=False)
    return app.task(_tickets, name="tickets")


def huey_task() -> Any:
    from huey import RedisHuey  # noqa: PLC0415 - not in the processes of others

    return RedisHuey("bench", url=os.environ[_URL]).task(name="tickets")(_tickets)


def _tickets(_: str) -> Any:
    return RESULT


@dataclass(frozen=True, slots=True)
class _Peer:
    """How a library is used.

    Attributes:
        task: Makes its task.
        submit: Sends it.
        ready: Whether the result of what was sent is there; fetches it.
        consume: Runs its consumer in this process, with so many workers.
    """

    task: Callable[[], Any]
    submit: Callable[[Any], Any]
    ready: Callable[[Any], bool]
    consume: Callable[[Any, int], None]


def _consume_with_celery(task: Any, workers: int) -> None:
    task.app.worker_main(["--quiet", "worker", f"--concurrency={workers}", "--loglevel=ERROR"])


def _consume_with_huey(task: Any, workers: int) -> None:
    task.huey.create_consumer(workers=workers, periodic=False).run()


PEERS = {
    "Celery": _Peer(
        celery_task,
        lambda task: task.delay("spec"),
        lambda sent: sent.ready(),
        _consume_with_celery,
    ),
    "Huey": _Peer(
        huey_task,
        lambda task: task("spec"),
        lambda sent: sent.get() is not None,
        _consume_with_huey,
    ),
}


def measure(name: str, workers: int, jobs: int) -> Figures:
    """Runs a peer's consumer and its producer, one process each."""
    with own_redis() as redis, tempfile.TemporaryFile() as log:
        assert redis.process
        environ = {**os.environ, _URL: redis.url}
        consumer = launch(
            _role("consume", name, workers), log.fileno(), signal.SIGKILL,
            environ=environ, folder=Path.cwd(),
        )  # fmt: skip
        try:
            producer = [*_role("produce", name, jobs), str(consumer.pid), str(redis.process.pid)]
            done = subprocess.run(
                producer, env=environ, capture_output=True, text=True, timeout=300, check=False
            )
            if done.returncode:
                raise SystemExit(done.stderr)
        finally:
            consumer.terminate()
            consumer.wait(30)
    return Figures(name=f"{name}, only a result", workers=workers, **json.loads(done.stdout))


def _role(role: str, name: str, number: int) -> list[str]:
    return [sys.executable, "-m", "bench.jobs_peers", role, name, str(number)]


def _produce(peer: _Peer, jobs: int, consumer: int, redis: int) -> dict[str, Any]:
    task = peer.task()

    def wait(sent: Any) -> None:
        deadline = perf_counter() + _LONGEST_S
        while not peer.ready(sent):
            if perf_counter() > deadline:
                raise SystemExit("the consumer does not work")
            sleep(_POLL_S)

    def finish() -> float:
        began = perf_counter()
        wait(peer.submit(task))
        return (perf_counter() - began) * 1000

    for _ in range(_WARM_UP):
        finish()
    took = sorted(finish() for _ in range(jobs))
    pids = {os.getpid(), consumer, redis}
    before, began = edge_cpu.read(pids), perf_counter()
    sent = in_parallel([lambda: peer.submit(task)] * CALLERS, jobs)
    for one in reversed(sent):
        wait(one)
    elapsed = perf_counter() - began
    after = edge_cpu.read(pids)
    cpu = {pid: 1000 * (after.trees[pid] - before.trees[pid]) / jobs for pid in pids}
    return {
        "jobs_per_s": jobs / elapsed,
        "took_ms": took,
        "cpu_ms": cpu[os.getpid()] + cpu[consumer],
        "storage_ms": cpu[redis],
        "memory_mb": edge_cpu.memory_mb(os.getpid()) + edge_cpu.memory_mb(consumer),
        "parts": f"producer {cpu[os.getpid()]:.1f} ms  consumer {cpu[consumer]:.1f} ms",
    }


def main(role: str, name: str, number: int, *pids: int) -> None:
    peer = PEERS[name]
    if role == "consume":
        peer.consume(peer.task(), number)
    else:
        print(json.dumps(_produce(peer, number, *pids)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
