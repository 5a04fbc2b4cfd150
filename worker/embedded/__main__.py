"""The child process that `process.start` starts: `python -m worker.embedded [HOST:PORT]`.

It ends when its stdin does, which is when its parent ends.
"""

import logging
import os
import signal
import sys
import threading

from worker.embedded.engine import ModelUnavailable
from worker.embedded.process import PREFIX_OF_FAILURE
from worker.embedded.server import serve

WRONG_START = 2


def main() -> int:
    """Serves until told to stop; the exit code says whether it could start."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s model: %(message)s"
    )
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        serve(sys.argv[1] if len(sys.argv) > 1 else None, announce=_announce)
    except (ModelUnavailable, OSError) as fault:
        _announce(f"{PREFIX_OF_FAILURE}{fault}")
        return WRONG_START
    return 0


def _announce(line: str) -> None:
    """Tells the parent, which reads one line and no more; what follows is for the log."""
    print(line, flush=True)  # noqa: T201 - the line that the parent waits for
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
