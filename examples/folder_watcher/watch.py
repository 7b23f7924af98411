"""Classify the pictures that land in a folder.

    python examples/folder_watcher/watch.py incoming

A picture that is written or moved into `incoming` is moved to `incoming/sorted/<class>/`, and
`incoming/answers.csv` gets a line, in which a text that a spreadsheet would run as a formula has an
apostrophe before it. One that the cluster cannot read goes to `incoming/failed/`. A picture
that nobody answers within 30 s or that cannot be moved is tried again later, and what was there
before the start is taken, too: stopping and starting it loses nothing. Ctrl-C or SIGTERM ends it;
`--once` takes what is there, and ends, with exit status 1 if it had to leave a picture behind.
"""

import argparse
import csv
import os
import queue
import re
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from fluid import FluidClient, FluidError, ImageError, RequestRefused
from fluid.errors import ErrorCode

SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
COLUMNS = ("time", "file", "class", "confidence", "subnetwork", "error")
# A class may be called as it likes; a folder may not: these lead elsewhere, or no name has them.
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f/\\:]")
_NAME_BYTES = 255  # what file systems take
# What a spreadsheet takes for a formula, also behind a tab or the end of a line.
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")
_SETTLED_S = 1.0
_AGAIN_S = 5.0


class Arrivals(FileSystemEventHandler):
    """Queues pictures once they are whole.

    That is when their writer has closed them; or, as a picture that is moved in from elsewhere
    looks like one that has just been begun, when it has not changed for a second. A picture may be
    queued twice, and None ends the queue.
    """

    def __init__(self, folder: Path) -> None:
        self.paths: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._folder = folder

    def look(self) -> None:
        """Queue what is there."""
        for path in sorted(self._folder.iterdir()):
            if self._is_picture(path):
                self.paths.put(path)

    def queue_later(self, path: Path) -> None:
        """Queue a picture again: a cluster that cannot answer now cannot at once, either."""
        timer = threading.Timer(_AGAIN_S, self.paths.put, (path,))
        timer.daemon = True
        timer.start()

    def dispatch(self, event: FileSystemEvent) -> None:
        """What watchdog tells, in a thread of its own."""
        moved = isinstance(event, FileMovedEvent)
        path = Path(os.fsdecode(event.dest_path if moved else event.src_path))
        if not self._is_picture(path):
            return
        if isinstance(event, FileClosedEvent):
            self.paths.put(path)
        elif moved or isinstance(event, FileCreatedEvent):
            self._queue_once_settled(path)

    def _queue_once_settled(self, path: Path, before: tuple[int, int] | None = None) -> None:
        """before: its size and its time, a second ago."""
        try:
            status = path.stat()
        except FileNotFoundError:  # it is sorted already
            return
        now = (status.st_size, status.st_mtime_ns)
        if now == before:
            self.paths.put(path)
            return
        timer = threading.Timer(_SETTLED_S, self._queue_once_settled, (path, now))
        timer.daemon = True
        timer.start()

    def _is_picture(self, path: Path) -> bool:
        return path.parent == self._folder and path.suffix.lower() in SUFFIXES and path.is_file()


def move(file: Path, folder: Path) -> Path:
    """Move a file into a folder, beside what has its name there already."""
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / file.name, 1
    while target.exists():
        target = folder / f"{file.stem}-{number}{file.suffix}"
        number += 1
    return file.rename(target)


def folder_name(class_name: str) -> str:
    """The name of a folder for a class: one that stays where it is made, and is not too long."""
    name = _NOT_IN_A_NAME.sub("_", class_name).lstrip(".")
    # Cut between characters; what UTF-8 does not have (half a surrogate pair) becomes "?".
    return name.encode(errors="replace")[:_NAME_BYTES].decode(errors="ignore") or "_"


def sort(client: FluidClient, file: Path, folder: Path) -> dict[str, object]:
    """Classify a picture, move it where it belongs, and return its line.

    Raises `FluidError` if nobody answered, OSError if it cannot be moved: then it is left where
    it is.
    """
    line: dict[str, object] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
    try:
        result = client.infer(file, timeout_s=30)
    except (RequestRefused, ImageError) as error:
        if getattr(error, "code", None) == ErrorCode.NOTHING_RUNNABLE:
            raise  # the cluster's fault, and not the picture's
        return line | {"file": move(file, folder / "failed"), "error": error}
    return line | {
        "file": move(file, folder / "sorted" / folder_name(result.class_name)),
        "class": result.class_name,
        "confidence": result.confidence,
        "subnetwork": result.subnetwork,
    }


def cell(value: object) -> object:
    """What the CSV has for it: a text that a spreadsheet would run gets an apostrophe before it.

    The names of classes and files are somebody else's, and whoever opens the file runs what they
    say. The quotes of CSV do not help: a spreadsheet takes them off first.
    """
    if isinstance(value, float):  # a number may begin with its sign
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_BEGINS) else text


class Stopping:
    """Whether a signal has asked for the end. The picture under way is finished first."""

    def __init__(self, paths: "queue.SimpleQueue[Path | None]") -> None:
        self.is_asked_for = False
        self._paths = paths
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: object) -> None:
        self.is_asked_for = True
        self._paths.put(None)  # the loop may be waiting


def work(
    client: FluidClient, arrivals: Arrivals, folder: Path, *, answers: Path, again: bool
) -> bool:
    """Sort pictures as they come, until the queue ends; returns whether none had to be left.

    again: whether to come back to those that could not be sorted.
    """
    stopping = Stopping(arrivals.paths)
    all_sorted = True
    # A name that is no UTF-8 must neither cost its line nor make the file unreadable to those who
    # expect UTF-8: its odd bytes are written as \udc.., rather than as they are.
    with answers.open("a", newline="", encoding="utf-8", errors="backslashreplace") as file:
        lines = csv.DictWriter(file, COLUMNS)
        if file.tell() == 0:
            lines.writeheader()
        while (path := arrivals.paths.get()) is not None and not stopping.is_asked_for:
            if not path.exists():  # it was queued twice, or somebody took it
                continue
            try:
                line = sort(client, path, folder)
            except FileNotFoundError:  # somebody took it meanwhile
                continue
            except (FluidError, OSError) as error:
                then = "trying again" if again else "it is left where it is"
                print(f"error: {path.name}: {error}; {then}", file=sys.stderr, flush=True)
                all_sorted = False
                if again:
                    arrivals.queue_later(path)
                continue
            lines.writerow({column: cell(value) for column, value in line.items()})
            file.flush()
    return all_sorted


def main() -> int:
    parser = argparse.ArgumentParser(description="Classify the pictures that land in a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--once", action="store_true", help="take what is there, and end")
    parser.add_argument("--broker", default=os.environ.get("FLUID_BROKER"), metavar="URL")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if not folder.is_dir():
        print(f"error: {folder}: no such folder; make it first", file=sys.stderr)
        return 1
    arrivals = Arrivals(folder)
    observer = Observer()
    try:
        with FluidClient(arguments.broker) as client:
            if not arguments.once:
                observer.schedule(arrivals, str(folder))
                observer.start()  # before the first look, so that nothing comes in between
            arrivals.look()
            if arguments.once:
                arrivals.paths.put(None)
            answers = folder / "answers.csv"
            all_sorted = work(client, arrivals, folder, answers=answers, again=not arguments.once)
    # ValueError: no such URL of a broker. OSError: the CSV cannot be written.
    except (FluidError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if observer.is_alive():
            observer.stop()
            observer.join()
    return 1 if arguments.once and not all_sorted else 0


if __name__ == "__main__":
    sys.exit(main())
