import json
from dataclasses import replace

import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import LinkName
from edge_agent.home_assistant.activity import Activity, ActivityReport
from fluid.bus import CloseReason
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Mode, Reply, Result
from tests.unit.edge_agent.making import request

# It had waited and been computed for 20 ms when it was sent.
RESULT = Result("1", 0, "ant", 0.9, Mode.HA, "100", ("a", "b"), "abab", 15.0, 5.0)
ERROR = ErrorReply("1", ErrorCode.WRONG_SHAPE, "it is 3x3")


class Bench:
    def __init__(self) -> None:
        self.activity = Activity("a", 0.0)

    def send(self, *replies: Reply, token: int = 1, now: float = 0.0) -> None:
        sent = do.SendReply(request("1"), replies, as_list=len(replies) > 1, token=token)
        self.activity.observe(seen.Tick(), [sent], now)

    def confirm(self, token: int = 1, *, accepted: bool = True, now: float = 0.0) -> None:
        self.activity.observe(seen.ReplyConfirmed(token, accepted), [], now)


def test_answers_are_counted_once_the_broker_has_them() -> None:
    bench = Bench()
    bench.send(RESULT, RESULT, now=1.0)
    assert bench.activity.report(2.0) == ActivityReport("a", 0.0, None, None)
    bench.confirm(now=3.0)
    report = bench.activity.report(4.0)
    assert (report.throughput, report.subnetwork) == (1.0, "100")
    assert report.latency_ms is not None
    assert round(report.latency_ms) == 2020


def test_the_latency_is_the_mean_over_requests() -> None:
    bench = Bench()
    bench.send(RESULT, token=1, now=1.0)
    bench.send(RESULT, RESULT, RESULT, token=2, now=1.0)
    bench.confirm(1, now=1.0)
    bench.confirm(2, now=1.1)
    report = bench.activity.report(4.0)
    assert report.throughput == 1.0
    assert report.latency_ms == pytest.approx(70.0)


def test_each_span_is_counted_for_itself_and_the_last_sub_network_stays() -> None:
    bench = Bench()
    bench.send(replace(RESULT, subnetwork="lower50"), now=1.0)
    bench.confirm(now=1.0)
    bench.activity.report(5.0)
    assert bench.activity.report(10.0) == ActivityReport("a", 0.0, None, "lower50")


def test_errors_refused_answers_and_lost_ones_count_for_nothing() -> None:
    bench = Bench()
    bench.send(ERROR, token=1)
    bench.confirm(1)
    bench.send(RESULT, token=2)
    bench.confirm(2, accepted=False)
    bench.send(RESULT, token=3)
    lost = seen.LinkClosed(LinkName.INFER, CloseReason.LOST)
    bench.activity.observe(lost, [], 1.0)
    bench.confirm(3)
    assert bench.activity.report(2.0) == ActivityReport("a", 0.0, None, None)


def test_the_loss_of_the_control_link_takes_no_answer_away() -> None:
    bench = Bench()
    bench.send(RESULT)
    bench.activity.observe(seen.LinkClosed(LinkName.CONTROL, CloseReason.LOST), [], 0.0)
    bench.confirm()
    assert bench.activity.report(1.0).throughput == 1.0


def test_two_reports_at_one_moment_are_no_division_by_zero() -> None:
    activity = Activity("a", 3.0)
    assert activity.report(3.0).throughput == 0.0


def test_a_report_is_json_with_null_for_what_is_not_known() -> None:
    assert json.loads(ActivityReport("a", 1.23456, None, None).encode()) == {
        "agent": "a",
        "throughput": 1.23,
        "latency_ms": None,
        "subnetwork": None,
    }
