"""What a command does about the streams that it writes to: whoever started it chose them."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fluid.cli.errors import CommandFailed, ExitCode

# No room where the output goes. That its reader has gone (EPIPE) click knows, and ends quietly.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def encode_anything() -> None:
    """Have stdout and stderr escape what their encoding lacks, rather than fail at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None, or whatever a test has put there
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def written_or_said() -> Iterator[None]:
    """End with one line and status 1 if the output of the block cannot be written."""
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # what a buffer still holds would fail as Python ends
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _let_go_of_what_is_left()
        with suppress(OSError):  # stderr may go to the same full disk
            CommandFailed(f"cannot write the output: {error.strerror}").show()
        sys.exit(ExitCode.FAILED)


def _let_go_of_what_is_left() -> None:
    """Python writes out the buffers once more as it ends, and would complain itself."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            with suppress(OSError):  # a test's stream has no number
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
