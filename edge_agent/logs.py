"""The agent's log: how records of `logging` become lines, and which are held back.

Owns the format (`text` for people, `json` for machines), the term that each line carries, and the
limit on lines that repeat themselves. What there is to tell is decided where it happens:
docs/observability.md lists it. Libraries' own records go the same way.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

from edge_agent.core.effects import Note
from edge_agent.log_event import LogEvent, Value, as_text, shortened
from edge_agent.log_limit import Kind, LogLimit

_log = logging.getLogger(__name__)
_MOST_TRACEBACK_CHARACTERS = 8000
_MOST_KIND_CHARACTERS = 80


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class Log:
    """The log of this process. `term` may be set at any time; lines from then on carry it."""

    def __init__(
        self, *, limit: LogLimit | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.term = 0
        self._limit = limit or LogLimit()
        self._clock = clock
        self._lock = threading.Lock()

    def handler(self, log_format: LogFormat, stream: TextIO) -> logging.Handler:
        """A handler that writes to `stream` in this format."""
        handler = logging.StreamHandler(stream)
        handler.addFilter(self.admits)
        handler.setFormatter(_JsonLines(self) if log_format is LogFormat.JSON else _TextLines(self))
        return handler

    def admits(self, record: logging.LogRecord) -> bool:
        """Whether a record is to be written, or is one too many of its kind."""
        kind = _kind_of(record)
        if kind is None:
            return True
        with self._lock:
            return self._limit.admits(kind, self._clock())

    def report_suppressed(self) -> None:
        """Say what was held back; to be called now and then."""
        with self._lock:
            suppressed = self._limit.take_suppressed(self._clock())
        for each in suppressed:
            name, detail = each.kind
            fields: dict[str, Value] = {"of": name, "kind": detail, "count": each.count}
            _log.warning(LogEvent("suppressed", fields))


def start_log(log_format: LogFormat, *, verbose: bool) -> Log:
    """Write the log to standard error from now on; each request has its lines if `verbose`."""
    log = Log()
    logging.basicConfig(
        level=logging.INFO,  # Pillow has a debug line for each chunk of a PNG
        handlers=[log.handler(log_format, sys.stderr)],
    )
    if verbose:
        logging.getLogger("edge_agent").setLevel(logging.DEBUG)
    return log


def write_note(note: Note) -> None:
    """Log what the core has to tell. What others can cause is limited, of each agent for itself;
    what a link says is not, because its backoff paces it and each attempt may fail differently."""
    limited_by = None if "link" in note.fields else str(note.fields.get("agent", ""))
    level = logging.WARNING if note.problem else logging.INFO
    _log.log(level, LogEvent(note.event, note.fields, limited_by))


class _Lines(logging.Formatter):
    """Reads records as events; how they are written is the subclass's."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def _name_and_fields(self, record: logging.LogRecord) -> tuple[str, dict[str, Value]]:
        event = _event_of(record)
        fields = {name: shortened(value) for name, value in event.fields.items()}
        fields.setdefault("term", self._log.term)
        if record.exc_info and record.exc_info[0] is not None:
            trace = self.formatException(record.exc_info)
            fields["traceback"] = trace[-_MOST_TRACEBACK_CHARACTERS:]
        return event.name, fields


class _TextLines(_Lines):
    """`time LEVEL name key=value ... term=3`."""

    def format(self, record: logging.LogRecord) -> str:
        name, fields = self._name_and_fields(record)
        return f"{_time_of(record)} {record.levelname} {name}{as_text(fields)}"


class _JsonLines(_Lines):
    """One object a line: time, level, event, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        name, fields = self._name_and_fields(record)
        head = {"time": _time_of(record), "level": record.levelname, "event": name}
        return json.dumps({**head, **fields}, separators=(",", ":"))


def _event_of(record: logging.LogRecord) -> LogEvent:
    if isinstance(record.msg, LogEvent):
        return record.msg
    return LogEvent("message", {"logger": record.name, "text": record.getMessage()})


def _kind_of(record: logging.LogRecord) -> Kind | None:
    """What a record counts as; None for what is always written."""
    if isinstance(record.msg, LogEvent):
        limited_by = record.msg.limited_by
        return None if limited_by is None else (record.msg.name, limited_by)
    # Of a library's warnings, those with one template are of one kind.
    if record.levelno >= logging.WARNING:
        return (f"message of {record.name}", str(record.msg)[:_MOST_KIND_CHARACTERS])
    return None


def _time_of(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
