"""The child's side of `taskforge up`: when a process that it runs has to stop.

The supervisor holds the other end of the child's standard input. `IN_ORDER`
on it says that an orderly stop of the whole has begun, and its end says: stop
now. When the end comes alone, the supervisor itself is gone.
"""

import os
import signal
import sys
import threading
import time
from types import FrameType

IN_ORDER = b"o"

_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
# How long a signal waits for the supervisor's word before it counts as meant for this process.
_WORD_S = 2
# What a process without a supervisor gets to end by itself.
_ORPHAN_S = 5


def obey() -> None:
    """Makes this process stop with its supervisor; called before it has any other thread.

    The whole process group may get SIGTERM or Ctrl-C at once, and more than
    once. Each process goes on until it is its turn, and is then told once.
    """
    in_order = threading.Event()
    signal.signal(signal.SIGUSR1, _as_sigterm)
    # Every later thread inherits this, so that only `_hold_signals` takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _held())
    os.register_at_fork(after_in_child=_leave)
    threading.Thread(target=_hold_signals, args=(in_order,), daemon=True).start()
    threading.Thread(target=_await_end, args=(in_order,), daemon=True).start()


def _held() -> set[signal.Signals]:
    """A closed terminal is told to the whole group too, where that is not ignored."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return _STOP_SIGNALS if ignored else _STOP_SIGNALS | {signal.SIGHUP}


def _hold_signals(in_order: threading.Event) -> None:
    signal.sigwait(_held())
    if not in_order.wait(_WORD_S):
        _stop()


def _await_end(in_order: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1):
        in_order.set()
    _stop()
    if not in_order.is_set():
        time.sleep(_ORPHAN_S)
        os._exit(1)


def _stop() -> None:
    """Has the main thread do what SIGTERM would make it do."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def _as_sigterm(_: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        handler(signal.SIGTERM, frame)
    else:
        # Still starting: there is nothing to drain.
        os._exit(0)


def _leave() -> None:
    """In a process that this one forks: it gets its signals from this one alone."""
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _held())
