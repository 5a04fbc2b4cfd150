"""Becomes another program that dies with the process that asked for it, even when that is killed.

Run as a script of its own: code between fork and exec in a process with threads can hang.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1
# Set in the environment, it has root obey the permissions of files, as everybody else does.
POWERLESS = "TASKFORGE_TEST_POWERLESS"


def main(parent: int, stop: int, uid: int, gid: int, command: list[str]) -> None:
    if os.geteuid() == 0 and uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears it. Elsewhere an orderly end of the tests has to do.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, stop)
        if os.getppid() != parent:
            signal.raise_signal(signal.SIGKILL)  # it died before we could ask
        if POWERLESS in os.environ and os.geteuid() == 0:
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
    os.execv(command[0], command)


if __name__ == "__main__":
    _parent, _stop, _uid, _gid = map(int, sys.argv[1:5])
    main(_parent, _stop, _uid, _gid, sys.argv[5:])
