"""CPU time of processes and of the machine, as Linux counts it in /proc."""

import os
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name: the parent, and utime, stime, cutime, cstime.
_PARENT = 1
_TIMES = slice(11, 15)
# The field of the first line of /proc/stat.
_STEAL = 8


def _processes() -> dict[int, list[str]]:
    """What /proc/PID/stat says after the name, of every process."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _own_seconds(fields: list[str]) -> float:
    """Of one process, with its children that have ended."""
    return sum(map(int, fields[_TIMES])) / _TICKS


def _seconds(root: int, processes: dict[int, list[str]]) -> float:
    """The CPU seconds of a process and all below it, those that have ended included."""
    fields = processes.get(root)
    if fields is None:
        return 0.0
    below = (pid for pid, other in processes.items() if int(other[_PARENT]) == root)
    return _own_seconds(fields) + sum(_seconds(pid, processes) for pid in below)


def _stolen_seconds() -> float:
    """The CPU seconds that the host of a virtual machine kept for itself."""
    total = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(total[_STEAL]) / _TICKS


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds at a moment: per process tree, and of all that is not ours."""

    at: float
    trees: dict[int, float]
    others: float


def read(roots: set[int]) -> Reading:
    """Reads the trees below these processes; ours is the tree below this process."""
    processes = _processes()
    everything = sum(_own_seconds(fields) for fields in processes.values())
    others = everything - _seconds(os.getpid(), processes) + _stolen_seconds()
    return Reading(perf_counter(), {pid: _seconds(pid, processes) for pid in roots}, others)


def memory_mb(root: int) -> float:
    """Megabytes of a process and all below it; what they share is counted once."""
    processes = _processes()
    below = [pid for pid, fields in processes.items() if int(fields[_PARENT]) == root]
    lines = Path(f"/proc/{root}/smaps_rollup").read_text().splitlines()
    (own,) = (int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own / 1024 + sum(map(memory_mb, below))
