"""What a command does about the streams that it writes to: whoever started it chose them."""

import io
import sys


def encode_anything() -> None:
    """Have stdout and stderr escape what their encoding lacks, rather than fail at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None, or whatever a test has put there
            stream.reconfigure(errors="backslashreplace")
