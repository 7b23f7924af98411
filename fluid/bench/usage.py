"""What processes use: processor time, memory, and bytes through a broker; from /proc.

Linux only, as are shares of a core; elsewhere everything is None.
"""

import os
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PARENT, _USER_TICKS, _SYSTEM_TICKS = 1, 11, 12  # of what follows the name in /proc/<pid>/stat


def cpu_s(pid: int) -> float | None:
    """Processor time of all threads so far, to a hundredth of a second."""
    fields = _stat(pid)
    if fields is None:
        return None
    return (int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / _TICKS_PER_S


def resident_mb(pid: int) -> float | None:
    """Memory that is in RAM, in 10^6 bytes; files that are mapped count too."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * _PAGE_BYTES / 1e6


def io_bytes(pid: int) -> int | None:
    """What it has read and written: of a broker without persistence, what went over it in both
    directions, and a log that says little. Without the headers of TCP and IP."""
    try:
        lines = (_PROC / str(pid) / "io").read_text().splitlines()
    except OSError:  # no such process, no such system, or the process of somebody else
        return None
    counts = dict(line.split(": ") for line in lines)
    return int(counts["rchar"]) + int(counts["wchar"])


def only_child(pid: int) -> int | None:
    """The process that another has started, if it is one alone."""
    children = [
        int(each.name)
        for each in _PROC.glob("[0-9]*")
        if (fields := _stat(int(each.name))) is not None and int(fields[_PARENT]) == pid
    ]
    return children[0] if len(children) == 1 else None


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()  # a name may hold spaces, and brackets too
