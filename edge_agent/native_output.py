"""What native libraries write to standard error, as events of the log.

TFLite greets on file descriptor 2 when it loads a model, past Python and its logging. Where each
line of the log is to be parsed, that is collected and logged instead.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from edge_agent.log_event import LogEvent

_log = logging.getLogger(__name__)
_STDERR = 2


@contextmanager
def logged_native_output() -> Iterator[None]:
    """Log what is written to descriptor 2 in the block, once it ends."""
    sys.stderr.flush()
    kept = os.dup(_STDERR)
    try:
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), _STDERR)
            try:
                yield
            finally:
                os.dup2(kept, _STDERR)
                file.seek(0)
                for line in file.read().decode("utf-8", errors="replace").splitlines():
                    _log.info(LogEvent("message", {"logger": "native", "text": line}))
    finally:
        os.close(kept)
