"""Has signals heard, whichever thread of a process the kernel gives them to."""

import signal
import socket
import threading
import time

_PROD = signal.SIGUSR2
_AGAIN_S = 1.0


def ignore() -> None:
    """Has none change the exit code of a process that is at its end.

    Python gives signals their default back as it ends, which is to kill.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def reach_main() -> None:
    """Has the main thread, which calls this, run its handlers also of what others received.

    Python runs handlers there alone, and a main thread that waits for a lock
    is not woken by what another has received: a SIGTERM would be lost.
    """
    heard, told = socket.socketpair()
    told.setblocking(False)
    signal.signal(_PROD, lambda *_: None)
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    main = threading.get_ident()
    threading.Thread(target=_pass_on, args=(heard, told, main), daemon=True).start()


def _pass_on(heard: socket.socket, told: socket.socket, main: int) -> None:
    """Interrupts what the main thread waits for; `told` is held open."""
    with told:
        while numbers := heard.recv(16):
            if set(numbers) != {_PROD}:
                # Again, for one that was about to wait.
                for pause_s in (0, _AGAIN_S):
                    time.sleep(pause_s)
                    signal.pthread_kill(main, _PROD)
