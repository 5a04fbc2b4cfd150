"""What an edge costs: this project's, the obvious one and Envoy's, before the same cores.

Compares direct gRPC, this edge, plain Flask with protobuf's JSON on gunicorn,
and Envoy's gRPC-JSON transcoder, in one run, interleaved in rounds. README.md
says what it needs and what the figures mean.

    python -m bench.edge [--seconds 1] [--rounds 3] [--pin] [--cores canned sqlite postgresql]
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from bench import edge_cpu, edge_load
from bench.edge_load import Load, Outcome
from bench.edge_operations import OPERATIONS
from bench.edge_report import MANY, ONE, Case, Measurement, print_gates, print_tables
from bench.edge_sides import CANNED, CORES, DIRECT, SQLITE, Layout, Side, World, layout, on, world

_WARM_UP_S = 0.3


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    # An end in order, so that every process and file of ours is gone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    places = layout(pin=options.pin)
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs,", _described(places))
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="bench-edge-")))
        worlds = [started.enter_context(_world(name, folder, places)) for name in options.cores]
        load = started.enter_context(_load_process(places))
        rounds = _rounds(load, worlds, options.rounds, options.seconds)
    print_tables(rounds)
    print_gates(rounds)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pin", action="store_true", help="core on one CPU, edges on another")
    parser.add_argument("--cores", nargs="+", choices=CORES, default=[CANNED, SQLITE])
    options = parser.parse_args(arguments)
    # The canned core is what the others are compared with.
    options.cores = [CANNED, *(name for name in options.cores if name != CANNED)]
    return options


def _described(places: Layout) -> str:
    if places.core == places.edge:
        return "processes free"
    return f"core on CPU {places.core}, edges on {places.edge}, load on {places.load}"


@contextmanager
def _world(name: str, folder: Path, places: Layout) -> Iterator[World]:
    own = folder / name
    own.mkdir()
    with world(name, own, places) as made:
        yield made


class _LoadProcess:
    """The process that sends, and its id."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.pid = process.pid

    def run(self, load: Load) -> Outcome:
        assert self._process.stdin and self._process.stdout  # noqa: PT018 - for the type checker
        print(json.dumps(asdict(load)), file=self._process.stdin, flush=True)
        said = json.loads(self._process.stdout.readline() or "{}")
        if "outcome" not in said:
            raise SystemExit(f"{load}: {said.get('fault', 'the load process has died')}")
        return Outcome(**said["outcome"])


@contextmanager
def _load_process(places: Layout) -> Iterator[_LoadProcess]:
    with (
        on(places.load),
        subprocess.Popen(
            [sys.executable, "-m", edge_load.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            yield _LoadProcess(process)
        finally:
            process.terminate()


Rounds = dict[Case, list[Measurement]]


def _rounds(load: _LoadProcess, worlds: Sequence[World], rounds: int, seconds: float) -> Rounds:
    """Measures every case once a round, after a round to warm up."""
    measured: Rounds = defaultdict(list)
    for number in range(rounds + 1):
        for place, side, operation, in_flight in _cases(worlds, number):
            case = Case(place.name, operation, in_flight, side.name)
            if number == 0:
                _measure(load, place, side, case, _WARM_UP_S)
            else:
                measured[case].append(_measure(load, place, side, case, seconds))
        print("warmed up" if number == 0 else f"round {number} of {rounds}", flush=True)
    return measured


def _cases(worlds: Sequence[World], number: int) -> Iterator[tuple[World, Side, str, int]]:
    """Sides next to each other, in another order each round, so that noise hits all alike."""
    for place in worlds:
        for operation, in_flight in [*((name, MANY) for name in OPERATIONS), ("status", ONE)]:
            turn = number % len(place.sides)
            for side in (*place.sides[turn:], *place.sides[:turn]):
                yield place, side, operation, in_flight


def _measure(
    load: _LoadProcess, place: World, side: Side, case: Case, seconds: float
) -> Measurement:
    trees = {place.core_pid, load.pid, *({side.pid} if side.pid else ())}
    before = edge_cpu.read(trees)
    outcome = load.run(
        Load(
            port=side.port,
            over_grpc=side.name == DIRECT,
            operation=case.operation,
            job_id=place.job_id,
            key=place.key,
            in_flight=case.in_flight,
            seconds=seconds,
        )
    )
    after = edge_cpu.read(trees)
    spent = {pid: after.trees[pid] - before.trees[pid] for pid in trees}
    return Measurement(
        took=outcome.took,
        seconds=outcome.seconds,
        edge_cpu=spent[side.pid] if side.pid else None,
        core_cpu=spent[place.core_pid],
        load_cpu=spent[load.pid],
        others=(after.others - before.others) / (after.at - before.at),
    )


if __name__ == "__main__":
    main()
