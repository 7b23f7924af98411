import io
import logging

import pytest

from edge_agent.core.effects import Effect, ReplyAdopted, SendReply
from edge_agent.core.events import Event, Tick
from edge_agent.log_observer import LogObserver
from edge_agent.logs import Log, LogFormat
from edge_agent.observer import View
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Mode, Reply, Result
from tests.unit.edge_agent.making import arrival, cluster_state, request

RESULT = Result("door", 0, "ant", 0.9, Mode.HA, "100", ("a", "b"), "abab", 1.23456, 2.0)
DEGRADED = Result(
    "door", 0, "ant", 0.9, Mode.HA, "lower50", ("a",), "abab", 1.0, 2.0, degraded=True
)
ERROR = ErrorReply("door", ErrorCode.WRONG_SHAPE, "it is 3x3")


def answer(*replies: Reply) -> SendReply:
    return SendReply(request("door"), replies, as_list=len(replies) > 1, token=1)


def told(
    caplog: pytest.LogCaptureFixture, level: int, event: Event, *effects: Effect
) -> list[tuple[str, str]]:
    """The level and text of what is logged at this level of the log."""
    caplog.clear()
    with caplog.at_level(level):
        LogObserver(Log()).observe(event, effects, 0.0)
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_every_request_has_its_lines_at_debug_level(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, logging.DEBUG, arrival("door")) == [
        ("DEBUG", "request_arrived request=door mode=ha size_bytes=5 handovers=0")
    ]
    assert told(caplog, logging.DEBUG, Tick(), answer(RESULT, RESULT)) == [
        (
            "DEBUG",
            "request_answered request=door mode=ha subnetwork=100 devices=a,b images=2 "
            "queue_ms=1.235 compute_ms=2.0 degraded=false",
        )
    ]


def test_only_what_went_wrong_is_told_at_info_level(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, logging.INFO, arrival("door"), answer(RESULT)) == []
    ((level, line),) = told(caplog, logging.INFO, Tick(), answer(DEGRADED))
    assert (level, line.split()[0], line.split()[-1]) == (
        "INFO",
        "request_answered",
        "degraded=true",
    )
    failed = [("INFO", 'request_failed request=door code=wrong_shape message="it is 3x3"')]
    assert told(caplog, logging.INFO, Tick(), answer(ERROR)) == failed
    adopted = ReplyAdopted("pi-2", request("door"), (ERROR,), 1)
    assert told(caplog, logging.INFO, Tick(), adopted) == failed


@pytest.mark.parametrize(("level", "written"), [(logging.INFO, 5), (logging.DEBUG, 20)])
def test_errors_are_limited_unless_every_request_is_asked_for(
    caplog: pytest.LogCaptureFixture, level: int, written: int
) -> None:
    log = Log()
    with caplog.at_level(level):
        observer = LogObserver(log)
        for _ in range(20):
            observer.observe(Tick(), (answer(ERROR),), 0.0)
    assert sum(log.admits(record) for record in caplog.records) == written


def test_the_log_knows_the_term_from_the_next_beat_on() -> None:
    log = Log()
    observer = LogObserver(log)
    observer.beat(View(None, leads=False, serving=None, held=0, malformed={}))
    assert log.term == 0
    observer.beat(View(cluster_state(4, "a"), leads=False, serving=None, held=0, malformed={}))
    assert log.term == 4
    # What was known stays known while the agent is cut off.
    observer.beat(View(None, leads=False, serving=None, held=0, malformed={}))
    assert log.term == 4


def test_what_was_held_back_is_told_on_a_beat(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = Log(clock=lambda: now)
    handler = log.handler(LogFormat.TEXT, io.StringIO())
    observer = LogObserver(log)
    logging.getLogger().addHandler(handler)
    try:
        with caplog.at_level(logging.INFO):
            for _ in range(7):
                observer.observe(Tick(), (answer(ERROR),), 0.0)
            now = 60.0
            observer.beat(View(None, leads=False, serving=None, held=0, malformed={}))
    finally:
        logging.getLogger().removeHandler(handler)
    assert (
        caplog.records[-1].getMessage() == "suppressed of=request_failed kind=wrong_shape count=2"
    )
