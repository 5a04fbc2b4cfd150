"""How the CPU time of reading and planning grows with a spec: at 250 kB, and at 1 MB of the same.

Hostile specs, each of one thing over and over. No model is asked. What counts is the ratio: 4 is
linear, 16 would be the square. Ends by itself, within two minutes.
"""

import argparse
import time
from collections.abc import Iterator

from tests.enormous import MEGABYTE, enormous
from worker.generation.dialects import as_markdown
from worker.generation.order import dependencies
from worker.generation.plan import plan
from worker.generation.spec import parse

_FACTOR = 4
# A spec that is read in less than this has a ratio of chance.
_TELLING_S = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=[*enormous(_FACTOR)], help="only these")
    parser.add_argument("--seconds", type=float, default=100.0, help="no kind begins later")
    arguments = parser.parse_args()
    ends = time.monotonic() + arguments.seconds
    print("| spec | s at 250 kB | s at 1 MB | ratio |", "| --- | --- | --- | --- |", sep="\n")
    for kind, short, long in _specs(arguments.kinds):
        if time.monotonic() > ends:
            print(f"| {kind} | no time left | | |")
            continue
        took = min(_seconds(short), _seconds(short))
        longer = _seconds(long)
        ratio = f"{longer / took:.1f}" if longer > _FACTOR * _TELLING_S else ""
        print(f"| {kind} | {took:.2f} | {longer:.2f} | {ratio} |", flush=True)


def _specs(kinds: list[str] | None) -> Iterator[tuple[str, str, str]]:
    short, long = enormous(MEGABYTE // _FACTOR), enormous(MEGABYTE)
    return ((kind, short[kind], long[kind]) for kind in kinds or long)


def _seconds(text: str) -> float:
    began = time.process_time()
    planned = plan(parse(as_markdown(text)), count=None, most=50, include_epics=True)
    dependencies(planned.pieces)
    return time.process_time() - began


if __name__ == "__main__":
    main()
