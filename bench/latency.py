"""How long a job takes besides the model: submit → completed, one job at a time.

Runs core, edge and worker on the embedded default, and with `--postgresql` on
PostgreSQL and Redis as well, with a model that answers at once. Beside it, in
the same run, what a status request and a model call alone take.

    python -m bench.latency [--jobs 200] [--postgresql]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tests.ollama_peer import OllamaPeer
from tests.servers import postgres, redis
from tests.stack import TERMINAL, Caller, Stack, running

_WARM_UP = 20
_POLL_S = 0.001


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args(arguments)
    print(f"{'milliseconds':<34} {'median':>8} {'p99':>8}")
    with OllamaPeer() as peer:
        _measure_model(peer, options.jobs)
        for name, environ in _backends(postgresql=options.postgresql):
            with _installation({"TASKFORGE_OLLAMA_URL": peer.url, **environ}) as stack:
                _measure_jobs(name, stack.caller(), options.jobs)


def _measure_model(peer: OllamaPeer, times: int) -> None:
    body = {"model": "scripted:8b", "messages": [{"role": "user", "content": "hello"}]}
    session = requests.Session()
    _report("model call alone", _timed(lambda: _chat(session, peer.url, body), times))


def _chat(session: requests.Session, url: str, body: object) -> None:
    session.post(f"{url}/api/chat", json=body, timeout=10).raise_for_status()


def _measure_jobs(name: str, caller: Caller, times: int) -> None:
    _timed(lambda: _finish(caller), _WARM_UP)
    _report(f"{name}: submit → completed", _timed(lambda: _finish(caller), times))
    _report(
        f"{name}: status request", _timed(lambda: caller.get("/tickets/v1/jobs?page_size=1"), times)
    )


def _finish(caller: Caller) -> None:
    job_id = caller.submit(ticket_count=3)
    while (status := caller.job(job_id)["status"]) not in TERMINAL:
        time.sleep(_POLL_S)
    if status != "completed":
        raise SystemExit(f"a job ended as {caller.job(job_id)}")


def _timed(act: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)


def _report(what: str, took: list[float]) -> None:
    p99 = took[min(len(took) - 1, round(len(took) * 0.99))]
    print(f"{what:<34} {statistics.median(took):>8.1f} {p99:>8.1f}", flush=True)


@contextmanager
def _installation(environ: dict[str, str]) -> Iterator[Stack]:
    with tempfile.TemporaryDirectory() as folder, running(environ, Path(folder)) as stack:
        yield stack


def _backends(*, postgresql: bool) -> Iterator[tuple[str, dict[str, str]]]:
    yield "embedded", {}
    if postgresql:
        with ExitStack() as servers:
            database = servers.enter_context(postgres()).create_database("bench")
            queue = servers.enter_context(redis()).fresh_url()
            yield (
                "PostgreSQL + Redis",
                {"TASKFORGE_DATABASE_URL": database, "TASKFORGE_QUEUE_URL": queue},
            )


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    main()
