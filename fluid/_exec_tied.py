"""Becomes another program that the kernel kills as soon as its parent is gone (Linux only).

Run as a script by `fluid.processes`, which explains why: `_exec_tied.py PARENT_PID PROGRAM ARG...`
It imports nothing of Fluid, so that it starts in a few milliseconds.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_EXIT_PARENT_GONE = 1


def main() -> None:
    """Ask for the signal, then exec. Both survive an exec of a program without set-user-ID."""
    parent_pid = int(sys.argv[1])
    command = sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # A parent that died before the line above sends no signal any more.
    if os.getppid() != parent_pid:
        sys.exit(_EXIT_PARENT_GONE)
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
