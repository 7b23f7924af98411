"""Holds back what native libraries print to file descriptor 2, past Python's `sys.stderr`.

TensorFlow, its converter and the interpreter write start-up notes there that no setting turns
off. They are noise while all goes well and a lead when it does not, so they are held, not dropped.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def held_back_stderr() -> Iterator[None]:
    """Hold back what is written to file descriptor 2; shown after all if the block raises.

    Redirects for the whole process: keep the block short and start no terminal display in it.
    """
    sys.stderr.flush()
    original = os.dup(_STDERR)
    failed = True
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(original, _STDERR)
            os.close(original)
            if failed:
                held.seek(0)
                os.write(_STDERR, held.read())
