"""The embedded model as a process: `python -m worker.embedded HOST:PORT [--announce]`.

It ends when its stdin does, which is when its parent ends. With `--announce` its first line on
stdout is its URL, or why it could not start; otherwise its log says so.
"""

import argparse
import logging
import os
import signal
import sys
import threading

from tickets import logs
from worker.embedded import process
from worker.embedded.engine import ModelUnavailable
from worker.embedded.server import serve

WRONG_START = 2

log = logging.getLogger("model")


def main() -> int:
    """Serves until told to stop; the exit code says whether it could start."""
    parser = argparse.ArgumentParser(prog="worker.embedded", description=__doc__)
    parser.add_argument("bind", metavar="HOST:PORT", help="port 0 takes a free one")
    parser.add_argument(process.ANNOUNCE, action="store_true")
    options = parser.parse_args()
    announces: bool = options.announce
    logs.configure("model", "info")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        serve(options.bind, announce=_announce if announces else _log_url)
    except (ModelUnavailable, OSError) as fault:
        if announces:
            _announce(f"{process.PREFIX_OF_FAILURE}{fault}")
        else:
            log.error("%s", fault)  # noqa: TRY400 - it says all that a person needs
        return WRONG_START
    return 0


def _log_url(url: str) -> None:
    log.info("it listens on %s", url)


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
