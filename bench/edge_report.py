"""What was measured, as tables, and the ratios that are asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.edge_sides import CANNED, DIRECT, ENVOY, OURS, PLAIN, SIDES

MANY, ONE = 16, 1


@dataclass(frozen=True, slots=True)
class Measurement:
    """One side under one load, in one round. CPU in seconds, `others` in CPUs."""

    took: Sequence[float]
    seconds: float
    edge_cpu: float | None
    core_cpu: float
    load_cpu: float
    others: float

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds

    @property
    def edge_us(self) -> float:
        return (self.edge_cpu or 0) / len(self.took) * 1e6


@dataclass(frozen=True, slots=True)
class Case:
    """What a measurement is of."""

    core: str
    operation: str
    in_flight: int
    side: str


Rounds = Mapping[Case, Sequence[Measurement]]


def print_tables(rounds: Rounds) -> None:
    """A table for each core, operation and number of requests in flight."""
    tables = dict.fromkeys((case.core, case.operation, case.in_flight) for case in rounds)
    for core, operation, in_flight in tables:
        print(f"\n{core} core, {operation}, {in_flight} in flight")
        print(f"  {'':<12}{'requests/s':>11}{'p50 ms':>8}{'p99 ms':>8}", end="")
        print(f"{'edge µs':>9}{'core µs':>9}{'load µs':>9}{'others':>8}")
        for side in SIDES:
            _print_row(side, rounds[Case(core, operation, in_flight, side)])


def _print_row(side: str, measured: Sequence[Measurement]) -> None:
    def each(figure: Callable[[Measurement], float]) -> float:
        return median(map(figure, measured))

    def us(cpu: Callable[[Measurement], float]) -> float:
        return each(lambda m: cpu(m) / len(m.took) * 1e6)

    took = sorted(seconds * 1000 for m in measured for seconds in m.took)
    p99 = took[min(len(took) - 1, round(len(took) * 0.99))]
    edge = "-" if side == DIRECT else f"{each(lambda m: m.edge_us):.0f}"
    print(f"  {side:<12}{each(lambda m: m.rate):>11,.0f}{median(took):>8.2f}{p99:>8.2f}", end="")
    print(f"{edge:>9}{us(lambda m: m.core_cpu):>9.0f}{us(lambda m: m.load_cpu):>9.0f}", end="")
    print(f"{each(lambda m: m.others):>8.2f}")


# Ratios


@dataclass(frozen=True, slots=True)
class Gate:
    """A ratio with what it has to be and what it is meant to be; `most`: not more than that."""

    what: str
    gate: float
    aim: float
    ratios: Callable[[Rounds, str], list[float]]
    most: bool = False

    def verdict(self, ratio: float) -> str:
        def met(bound: float) -> bool:
            return ratio <= bound if self.most else ratio >= bound

        return "aim met" if met(self.aim) else "gate passed" if met(self.gate) else "GATE FAILED"


def _rates(operation: str, other: str) -> Callable[[Rounds, str], list[float]]:
    """This edge's requests per second against another side's, round by round."""

    def ratios(rounds: Rounds, core: str) -> list[float]:
        ours, theirs = (rounds[Case(core, operation, MANY, side)] for side in (OURS, other))
        return [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]

    return ratios


def _edge_cpus(rounds: Rounds, core: str) -> list[float]:
    ours, theirs = (rounds[Case(core, "status", MANY, side)] for side in (OURS, ENVOY))
    return [a.edge_us / b.edge_us for a, b in zip(ours, theirs, strict=True)]


def _added_medians(rounds: Rounds, core: str) -> list[float]:
    sides = (rounds[Case(core, "status", ONE, side)] for side in (DIRECT, OURS, ENVOY))
    medians = ([median(m.took) for m in measured] for measured in sides)
    return [(ours - bare) / (envoy - bare) for bare, ours, envoy in zip(*medians, strict=True)]


def _core_rates(rounds: Rounds, core: str) -> list[float]:
    if core == CANNED:
        return []
    real, canned = (rounds[Case(name, "status", MANY, DIRECT)] for name in (core, CANNED))
    return [a.rate / b.rate for a, b in zip(real, canned, strict=True)]


_GATES = (
    Gate("status, throughput against Envoy", 0.5, 0.65, _rates("status", ENVOY)),
    Gate("status, throughput against plain Flask", 3, 4, _rates("status", PLAIN)),
    Gate("50-ticket result, throughput against Envoy", 3, 6, _rates("result", ENVOY)),
    Gate("status, CPU of the edge against Envoy's", 2.2, 1.7, _edge_cpus, most=True),
    Gate("added median at one in flight, against Envoy's", 2.5, 1.5, _added_medians, most=True),
    Gate("core with key check and job read against canned", 0.55, 0.75, _core_rates),
)


def print_gates(rounds: Rounds) -> None:
    """The ratios of each core. The gates are set for the canned core, the last for the others."""
    cores = list(dict.fromkeys(case.core for case in rounds))
    print(f"\n{'ratio (lowest to highest round)':<50}{'gate':>6}{'aim':>6}")
    for gate in _GATES:
        found = {core: ratios for core in cores if (ratios := gate.ratios(rounds, core))}
        if not found:
            continue
        sign = "≤" if gate.most else "≥"
        print(f"{gate.what:<50}{sign + f'{gate.gate:g}':>6}{sign + f'{gate.aim:g}':>6}")
        for core, ratios in found.items():
            _print_ratio(gate, core, ratios)


def _print_ratio(gate: Gate, core: str, ratios: list[float]) -> None:
    ratio = median(ratios)
    judged = core == CANNED or gate.ratios is _core_rates
    verdict = gate.verdict(ratio) if judged else ""
    print(f"  {core:<12}{ratio:>6.2f} ({min(ratios):.2f} to {max(ratios):.2f})  {verdict}".rstrip())
