"""Classify the pictures that land in a folder.

    python examples/folder_watcher/watch.py incoming

A picture that is written or moved into `incoming` is moved to `incoming/sorted/<class>/`, and
`incoming/answers.csv` gets a line. One that the cluster cannot read goes to `incoming/failed/`.
A picture that nobody answers within 30 s is tried again later, and what was there before the start
is taken, too: stopping and starting it loses nothing. Ctrl-C or SIGTERM ends it; `--once` takes
what is there, and ends.
"""

import argparse
import csv
import os
import queue
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


def sort(client: FluidClient, file: Path, folder: Path) -> dict[str, object]:
    """Classify a picture, move it where it belongs, and return its line.

    Raises `FluidError` if nobody answered: then it is left where it is.
    """
    line: dict[str, object] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
    try:
        result = client.infer(file, timeout_s=30)
    except (RequestRefused, ImageError) as error:
        if getattr(error, "code", None) == ErrorCode.NOTHING_RUNNABLE:
            raise  # the cluster's fault, and not the picture's
        return line | {"file": move(file, folder / "failed"), "error": error}
    # A class may be called as it likes; a folder may not.
    name = result.class_name.replace("/", "_").lstrip(".") or "_"
    return line | {
        "file": move(file, folder / "sorted" / name),
        "class": result.class_name,
        "confidence": result.confidence,
        "subnetwork": result.subnetwork,
    }


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


def work(client: FluidClient, arrivals: Arrivals, folder: Path, *, answers: Path) -> None:
    """Sort pictures as they come, until the queue ends."""
    stopping = Stopping(arrivals.paths)
    with answers.open("a", newline="", encoding="utf-8") as file:
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
            except FluidError as error:
                print(f"error: {path.name}: {error}; trying again", file=sys.stderr, flush=True)
                arrivals.queue_later(path)
                continue
            lines.writerow(line)
            file.flush()


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
            work(client, arrivals, folder, answers=folder / "answers.csv")
    except (FluidError, ValueError) as error:  # ValueError: no such URL of a broker
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if observer.is_alive():
            observer.stop()
            observer.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
