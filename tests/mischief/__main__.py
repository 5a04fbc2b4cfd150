"""`python -m tests.mischief`: as many trials as one likes, and what was wrong with them."""

import argparse
import random
import sys
import time
from collections import Counter

from tests.mischief.model import FAULTS
from tests.mischief.trial import Trial, impatient, trial
from tests.ollama_peer import OllamaPeer


def main() -> int:
    """Prints each trial with something wrong, and counts; 1 when there was any."""
    parser = argparse.ArgumentParser(prog="python -m tests.mischief", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="default 1000")
    parser.add_argument("--seed", default=str(random.randrange(1_000_000)))
    parser.add_argument("--only", help="the seed of one trial, as it was printed")
    parser.add_argument("--faults", nargs="+", choices=sorted(FAULTS), help="only these")
    parser.add_argument("--short", action="store_true", help="short specs only, as in the test")
    given = parser.parse_args()
    seeds = [given.only] if given.only else [f"{given.seed}-{n}" for n in range(given.cases)]
    ends: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    slowest: Trial | None = None
    began = time.monotonic()
    with OllamaPeer() as peer, impatient():
        peer.retry_after = "0"
        for seed in seeds:
            made = trial(peer, seed, long=not given.short, faults=given.faults)
            ends[made.ended] += 1
            kinds.update({wrong.partition(":")[0] for wrong in made.wrongs})
            if slowest is None or made.seconds > slowest.seconds:
                slowest = made
            if made.wrongs or given.only:
                _say(made.line(), *(f"    {wrong}" for wrong in made.wrongs[:6]))
    _say(
        f"seed {given.seed}: {len(seeds)} trials in {time.monotonic() - began:.0f} s: {dict(ends)}"
    )
    _say(f"wrong: {dict(kinds)}", f"slowest: {slowest.line() if slowest else ''}")
    return int(bool(kinds))


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    sys.exit(main())
