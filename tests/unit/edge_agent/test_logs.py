import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from edge_agent import logs
from edge_agent.core.effects import Note
from edge_agent.log_event import LogEvent
from edge_agent.log_limit import LogLimit
from edge_agent.logs import Log, LogFormat, write_note

FORMATS = list(LogFormat)


class Bench:
    """A log that writes into memory, with a clock that stands still."""

    def __init__(self, log_format: LogFormat) -> None:
        self.now = 0.0
        self.log = Log(limit=LogLimit(burst=2, window_s=60.0), clock=lambda: self.now)
        self._stream = io.StringIO()
        self.handler = self.log.handler(log_format, self._stream)
        self.logger = logging.getLogger("tests.logs")
        self.logger.addHandler(self.handler)
        self.logger.setLevel(logging.DEBUG)

    @property
    def lines(self) -> list[str]:
        return self._stream.getvalue().split("\n")[:-1]


@pytest.fixture
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(getattr(request, "param", LogFormat.TEXT))
    monkeypatch.setattr(logs, "_log", made.logger)
    yield made
    made.logger.removeHandler(made.handler)


def rest_of(line: str) -> str:
    """A text line without its time, which is checked."""
    time, _, rest = line.partition(" ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    return rest


def test_a_line_of_text_is_time_level_name_fields_and_term(bench: Bench) -> None:
    bench.log.term = 7
    bench.logger.info(LogEvent("peer_dead", {"agent": "pi-1"}))
    assert [rest_of(line) for line in bench.lines] == ["INFO peer_dead agent=pi-1 term=7"]


@pytest.mark.parametrize("bench", [LogFormat.JSON], indirect=True)
def test_a_line_of_json_has_the_same(bench: Bench) -> None:
    bench.log.term = 7
    bench.logger.info(LogEvent("request_answered", {"devices": ("a", "b"), "degraded": True}))
    document = json.loads(bench.lines[0])
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}Z", document.pop("time"))
    assert document == {
        "level": "INFO",
        "event": "request_answered",
        "devices": ["a", "b"],
        "degraded": True,
        "term": 7,
    }


def test_an_event_that_says_its_own_term_keeps_it(bench: Bench) -> None:
    bench.log.term = 7
    bench.logger.info(LogEvent("claiming", {"term": 8}))
    assert rest_of(bench.lines[0]) == "INFO claiming term=8"


@pytest.mark.parametrize("bench", FORMATS, indirect=True)
def test_what_a_peer_sends_stays_in_its_line(bench: Bench) -> None:
    bench.logger.warning(LogEvent("malformed", {"topic": 'a\nb="c"\x1b[0m' + "x" * 70_000}))
    (line,) = bench.lines
    assert line.isprintable()
    assert len(line) < 1000


@pytest.mark.parametrize("bench", FORMATS, indirect=True)
def test_a_librarys_record_and_a_traceback_are_events_of_one_line(bench: Bench) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        bench.logger.exception("cannot %s", "do it")
    (line,) = bench.lines
    assert "ERROR" in line
    for text in ("message", "tests.logs", "cannot do it", "Traceback", "ValueError"):
        assert text in line


def test_lines_with_a_limit_are_held_back_and_counted(bench: Bench) -> None:
    for _ in range(5):
        bench.logger.warning(LogEvent("malformed", {}, limited_by="presence"))
        bench.logger.info(LogEvent("peer_dead"))
    bench.log.report_suppressed()
    assert sum("malformed" in line for line in bench.lines) == 2
    assert sum("peer_dead" in line for line in bench.lines) == 5
    bench.now = 60.0
    bench.log.report_suppressed()
    assert rest_of(bench.lines[-1]) == (
        "WARNING suppressed of=malformed kind=presence count=3 term=0"
    )


def test_a_librarys_warnings_are_limited_by_their_template_and_its_news_are_not(
    bench: Bench,
) -> None:
    for number in range(5):
        bench.logger.warning("packet %d is strange", number)
        bench.logger.info("packet %d", number)
    assert sum("is strange" in line for line in bench.lines) == 2
    assert len(bench.lines) == 7


def test_a_note_is_written_as_it_is(bench: Bench) -> None:
    write_note(Note("leaving", {"held": 0}))
    write_note(Note("reply_refused", {"request": "door"}, problem=True))
    assert [rest_of(line) for line in bench.lines] == [
        "INFO leaving held=0 term=0",
        "WARNING reply_refused request=door term=0",
    ]


def test_problems_are_limited_unless_they_are_of_a_link(bench: Bench) -> None:
    for _ in range(4):
        write_note(Note("reply_refused", {"request": "door"}, problem=True))
        write_note(Note("link_closed", {"link": "infer"}, problem=True))
        write_note(Note("link_opened", {"link": "infer"}))
    counts = [
        sum(name in line for line in bench.lines)
        for name in ("reply_refused", "link_closed", "link_opened")
    ]
    assert counts == [2, 4, 4]


VERBOSE = """
import io, logging, sys
from PIL import Image
from edge_agent.logs import LogFormat, start_log

picture = io.BytesIO()
Image.new("L", (2, 2)).save(picture, "PNG")
start_log(LogFormat.TEXT, verbose=sys.argv[1] == "verbose")
Image.open(picture).load()
logging.getLogger("edge_agent.any").debug("ours")
logging.getLogger("PIL.any").warning("theirs")
"""


@pytest.mark.parametrize(
    ("how", "written"), [("verbose", ["ours", "theirs"]), ("terse", ["theirs"])]
)
def test_verbose_is_the_agent_and_not_its_libraries(how: str, written: list[str]) -> None:
    # A process of its own, because the level of the root logger is the test runner's here.
    run = subprocess.run(
        [sys.executable, "-c", VERBOSE, how], capture_output=True, text=True, check=True
    )
    assert [line.split("text=")[1].split()[0] for line in run.stderr.splitlines()] == written
