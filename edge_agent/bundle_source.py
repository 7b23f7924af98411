"""Where an agent's bundle lies, and whether something else lies there now.

The folder may be a symbolic link, which is how a new bundle is put in place at one stroke. Whoever
copies into the folder instead does it file by file, so a change counts once two looks in a row
show the same. What has been tried is not tried again until it changes.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class FolderState:
    """What tells one content of a folder from another without reading it.

    target: the folder proper. files: name, inode, modification time in ns and size of each.
    """

    target: Path
    files: tuple[tuple[str, int, int, int], ...]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """As it is now; without files if it is not there or cannot be read."""
        target = Path(os.path.realpath(folder))
        try:
            with os.scandir(target) as entries:
                found = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
        except OSError:  # also of a file that went away meanwhile: the next look tells
            found = []
        return cls(
            target,
            tuple(
                sorted((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found)
            ),
        )


@dataclass(frozen=True, slots=True)
class BundleSource:
    """The folder that an agent was given, and its state when the bundle was read from it."""

    folder: Path
    read: FolderState

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Take this before the bundle is read, so that no change after it is missed."""
        return cls(folder, FolderState.of(folder))


class Watch:
    """Decides from look to look whether to load what lies there."""

    def __init__(self, read: FolderState) -> None:
        self._tried = self._last = read

    def due(self, state: FolderState) -> bool:
        """Whether this state is new, and lasts."""
        lasts, self._last = state == self._last, state
        return lasts and state != self._tried

    def tried(self, state: FolderState) -> None:
        """It was loaded or refused: either way there is nothing more to learn from it."""
        self._tried = state
