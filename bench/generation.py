"""What tickets cost and are worth: the pipeline against one call with the whole schema.

Both ways go over the same specs, one job after the other, with the embedded
model or any Ollama. It ends by itself: each job has a deadline, and so has the
whole, after which the jobs that are left are named and not run.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.generation_judge import coverage, requirements, twins
from bench.generation_ways import Run, naive, pipeline
from worker.embedded import process
from worker.provider import Provider

SAMPLES = Path(__file__).resolve().parent.parent / "docs" / "samples"


def main() -> None:
    given = _arguments()
    specs = {path.stem: path.read_text(encoding="utf-8") for path in given.specs}
    ends_at = time.monotonic() + 60 * given.minutes
    with _server(given.url) as url:
        provider = Provider(url, model=given.model, profile=given.profile)
        model = provider.model()
        print(f"model {model.name}, profile {model.profile}, {len(specs)} specs\n", flush=True)
        runs: list[Run] = []
        for way, name, asked in _jobs(given, specs):
            left = ends_at - time.monotonic()
            # One that is cut short by the whole would say nothing about its way.
            if left < (given.naive_seconds if way == "naive" else 1):
                print(f"not run, out of time: {way} {name}")
                continue
            if way == "naive":
                at = (provider.client, model)
                run = naive(name, specs[name], asked, at, given.naive_seconds)
            else:
                run = pipeline(name, specs[name], asked, provider, min(given.seconds, left))
            runs.append(run)
            print(_line(run, specs[name]), flush=True)
    print(f"\n{_table(runs, specs)}")
    if given.json:
        given.json.write_text(json.dumps([_record(run, specs) for run in runs], indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an Ollama server; by default the embedded model is started")
    parser.add_argument("--model", help="its model; by default the first chat model")
    parser.add_argument("--profile", default="auto", help="auto, extractive or freeform")
    parser.add_argument("--specs", type=Path, nargs="+", default=sorted(SAMPLES.glob("*.md")))
    parser.add_argument("--count", type=int, default=5, help="tickets asked for in both ways")
    parser.add_argument("--seconds", type=float, default=240, help="deadline of a job")
    parser.add_argument("--naive-seconds", type=float, default=60, help="that of the naive way")
    parser.add_argument("--minutes", type=float, default=12, help="deadline of the whole")
    parser.add_argument("--json", type=Path, help="write every run to this file")
    return parser.parse_args()


@contextmanager
def _server(url: str | None) -> Iterator[str]:
    """The server that is given, or the embedded model while the bench runs."""
    if url:
        yield url
        return
    with process.start(Path(os.devnull)) as embedded:
        yield embedded.url


def _jobs(
    given: argparse.Namespace, specs: dict[str, str]
) -> Iterator[tuple[str, str, int | None]]:
    """What is run: the way, the spec and the count; the naive way, which is slow, last."""
    by_size = sorted(specs, key=lambda name: len(specs[name]))
    for way, asked in (("pipeline", given.count), ("pipeline", None), ("naive", given.count)):
        for name in by_size:
            yield way, name, asked


def _line(run: Run, spec: str) -> str:
    asked = run.asked or "free"
    head = (
        f"{run.way:9} {run.spec:24} {len(spec) / 1000:6.1f} kB  {asked!s:>4}  {run.seconds:6.1f} s"
    )
    if run.result is None:
        return f"{head}  FAILED  {run.problem}"
    tickets = run.result["tickets"]
    covered = coverage(requirements(spec), run.result)
    told = f"{len(tickets):3} tickets  {run.written} tokens  {len(run.journal.calls)} calls"
    return f"{head}  {told}  covers {covered:.0%}  {_twins(run)} twins"


def _table(runs: list[Run], specs: dict[str, str]) -> str:
    columns = (
        *("way", "tickets asked", "jobs completed", "completion tokens per ticket"),
        *("tokens written per ticket begun", "prompt tokens per ticket"),
        *("s per job: median, longest", "calls per job"),
        *("repairs per job", "let pass per job", "coverage", "twins"),
    )
    groups = dict.fromkeys((run.way, run.asked) for run in runs)
    rows = [_row([run for run in runs if (run.way, run.asked) == group], specs) for group in groups]
    return "\n".join(
        f"| {' | '.join(map(str, row))} |" for row in (columns, ("---",) * len(columns), *rows)
    )


def _row(runs: list[Run], specs: dict[str, str]) -> tuple[str, ...]:
    """The figures of one way; those about tickets and tokens are of the jobs that completed."""
    done = [run for run in runs if run.result]
    tickets = sum(len(run.result["tickets"]) for run in done if run.result)
    seconds = sorted(run.seconds for run in runs)
    covered = [coverage(requirements(specs[run.spec]), run.result) for run in done if run.result]
    repairs = [repair for run in runs for repair in run.journal.repairs]
    made = sum(bool(repair.done) for repair in repairs)
    return (
        runs[0].way,
        str(runs[0].asked or "as needed"),
        f"{len(done)} of {len(runs)}",
        _per(_total(done, "completion_tokens"), tickets),
        _per(sum(run.written for run in runs), sum(run.begun for run in runs)),
        _per(_total(done, "prompt_tokens"), tickets),
        f"{seconds[len(seconds) // 2]:.1f}, {seconds[-1]:.1f}",
        _per(sum(len(run.journal.calls) for run in runs), len(runs)),
        _per(made, len(runs)),
        _per(len(repairs) - made, len(runs)),
        f"{sum(covered) / len(covered):.0%}" if covered else "",
        f"{sum(map(_twins, done)) / tickets:.0%}" if tickets else "",
    )


def _per(amount: int | None, count: int) -> str:
    return "" if amount is None or not count else f"{amount / count:.1f}"


def _total(runs: list[Run], count: str) -> int | None:
    """The sum over runs; None where a call was not counted."""
    spent = [_spent(run, count) for run in runs]
    known = [tokens for tokens in spent if tokens is not None]
    return sum(known) if len(known) == len(spent) else None


def _spent(run: Run, count: str) -> int | None:
    counts = [getattr(call, count) for call in run.journal.calls if not call.error]
    return None if None in counts else sum(counts)


def _twins(run: Run) -> int:
    return twins(ticket["title"] for ticket in run.result["tickets"]) if run.result else 0


def _record(run: Run, specs: dict[str, str]) -> dict[str, Any]:
    result = run.result
    return {
        "way": run.way,
        "spec": run.spec,
        "asked": run.asked,
        "seconds": round(run.seconds, 2),
        "problem": run.problem,
        "tickets": [ticket["title"] for ticket in result["tickets"]] if result else [],
        "written": run.written,
        "begun": run.begun,
        "coverage": coverage(requirements(specs[run.spec]), result) if result else None,
        "twins": _twins(run),
        "calls": len(run.journal.calls),
        "completion_tokens": _spent(run, "completion_tokens"),
        "prompt_tokens": _spent(run, "prompt_tokens"),
        "repairs": [[repair.rule, repair.ticket, repair.done] for repair in run.journal.repairs],
    }


if __name__ == "__main__":
    main()
