"""Writes files that are read after a crash: whole, or as they were before."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a new file, and put that in the place of `path` once it is on the disk.

    A process or a machine that dies meanwhile leaves the old file. Raises `OSError`.
    """
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
