"""`python -m tests.chaos`: a run as long as one likes, on one backend or on both."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.chaos import BACKENDS, torment


def main() -> int:
    """Prints a report for each backend; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="one a second (default 200)")
    parser.add_argument("--backend", choices=BACKENDS, help="default: one after the other")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--keep", type=Path, help="an empty folder that keeps data and logs")
    given = parser.parse_args()
    wrong = False
    for backend in [given.backend] if given.backend else BACKENDS:
        print(f"seed {given.seed}", flush=True)  # noqa: T201 - also for a run that hangs
        with tempfile.TemporaryDirectory() as temporary:
            folder = (given.keep or Path(temporary)) / backend
            folder.mkdir(parents=True)
            report = torment(backend, folder, kills=given.kills, seed=given.seed)
        print(report.text(), flush=True)  # noqa: T201 - what it is for
        wrong = wrong or bool(report.verdict.wrongs)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
