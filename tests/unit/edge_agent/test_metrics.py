from collections.abc import Mapping
from dataclasses import replace

import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import LinkName, Route
from edge_agent.metrics import Metrics
from edge_agent.observer import View
from fluid.bus import CloseReason
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Mode, Reply, Result
from tests.unit.edge_agent.making import (
    DIGEST,
    arrival,
    cluster_state,
    computed,
    partial,
    request,
    settings,
)

RESULT = Result("1", 0, "ant", 0.9, Mode.HA, "100", ("a", "b"), "abab", 15.0, 5.0)
ERROR = ErrorReply("1", ErrorCode.WRONG_SHAPE, "it is 3x3")
COMPUTE = do.Compute(request("1"), ("lower50",))
VIEW = View(None, leads=False, serving=None, held=0, malformed={})


def sent(*replies: Reply, token: int = 1) -> do.SendReply:
    return do.SendReply(request("1"), replies, as_list=len(replies) > 1, token=token)


class Bench:
    """Metrics, and what Prometheus would read."""

    def __init__(self) -> None:
        self.metrics = Metrics(settings("a", interpreter="lite 2"), version="1.2.3")

    def step(self, event: seen.Event, *effects: do.Effect, now: float = 0.0) -> None:
        self.metrics.observe(event, effects, now)

    def reply(self, reply: Reply, *, accepted: bool = True, now: float = 0.0) -> None:
        """A reply goes out at 0, and is confirmed at `now`."""
        self.step(computed("1", "lower50"), sent(reply))
        self.step(seen.ReplyConfirmed(1, accepted=accepted), do.Ack(1), now=now)

    def value(self, name: str, /, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def requests(self) -> Mapping[tuple[str, str, str], float]:
        """fluid_requests_total by mode, sub-network and outcome."""
        return {
            (sample.labels["mode"], sample.labels["subnetwork"], sample.labels["outcome"]): (
                sample.value
            )
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "fluid_requests_total"
        }


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("reply", "labels"),
    [
        (RESULT, ("ha", "100", "ok")),
        (replace(RESULT, mode=Mode.HT, subnetwork="lower50"), ("ht", "lower50", "ok")),
        (replace(RESULT, subnetwork="lower50", degraded=True), ("ha", "lower50", "degraded")),
        (replace(RESULT, subnetwork="lower25+upper25"), ("ha", "other", "ok")),
        (ERROR, ("none", "none", "wrong_shape")),
        (replace(ERROR, code="invented by a publisher"), ("none", "none", "other")),
    ],
)
def test_a_request_counts_once_its_answer_is_confirmed(
    bench: Bench, reply: Reply, labels: tuple[str, str, str]
) -> None:
    bench.step(computed("1", "lower50"), sent(reply))
    assert bench.requests() == {}
    bench.step(seen.ReplyConfirmed(1, accepted=True), do.Ack(1))
    bench.step(seen.ReplyConfirmed(1, accepted=True))
    assert bench.requests() == {labels: 1.0}


def test_an_answer_that_the_broker_refuses_is_an_outcome_of_its_own(bench: Bench) -> None:
    bench.reply(RESULT, accepted=False)
    assert bench.requests() == {("ha", "100", "reply_refused"): 1.0}


def test_a_batch_is_one_request(bench: Bench) -> None:
    bench.step(seen.Tick(), sent(*[RESULT] * 8))
    bench.step(seen.ReplyConfirmed(1, accepted=True))
    assert sum(bench.requests().values()) == 1.0


def test_a_requests_duration_is_from_its_arrival_to_its_confirmed_result(bench: Bench) -> None:
    bench.reply(RESULT, now=0.03)  # 20 ms until the reply, 30 ms until it is confirmed
    assert bench.value("fluid_request_duration_seconds_sum", mode="ha") == pytest.approx(0.05)
    assert bench.value("fluid_request_duration_seconds_bucket", mode="ha", le="0.03") == 0.0
    assert bench.value("fluid_request_duration_seconds_bucket", mode="ha", le="0.075") == 1.0
    assert bench.value("fluid_request_duration_seconds_count", mode="ht") == 0.0


def test_errors_have_no_duration(bench: Bench) -> None:
    bench.reply(ERROR)
    for mode in ("ha", "ht"):
        assert bench.value("fluid_request_duration_seconds_count", mode=mode) == 0.0


def test_time_spent_computing_is_counted_here(bench: Bench) -> None:
    bench.step(computed("1", "lower50", compute_ms=4.0))
    assert bench.value("fluid_compute_duration_seconds_sum") == pytest.approx(0.004)
    assert bench.value("fluid_compute_duration_seconds_bucket", le="0.003") == 0.0
    assert bench.value("fluid_compute_duration_seconds_bucket", le="0.005") == 1.0


def test_jobs_are_those_that_the_executor_was_given_and_has_not_finished(bench: Bench) -> None:
    fault = seen.RequestFault(ErrorCode.NOT_AN_IMAGE, "it is text")
    for ack_id in range(1, 5):
        bench.step(arrival(ack_id=ack_id), COMPUTE)
    bench.step(computed("1", "lower50"), COMPUTE)
    bench.step(seen.ComputeFailed(b"key", fault, "ab" * 32))
    bench.metrics.beat(VIEW)
    assert bench.value("fluid_executor_jobs") == 3.0


def test_a_unique_request_that_comes_twice_is_repeated_until_it_is_let_go_of(
    bench: Bench,
) -> None:
    bench.step(arrival(ack_id=1, unique=True), COMPUTE)
    bench.step(arrival(ack_id=2, unique=True, route=Route.SHARED))
    assert bench.value("fluid_duplicate_requests_total", kind="repeated") == 1.0
    bench.step(seen.ReplyConfirmed(1, accepted=True), do.Ack(1), do.Ack(2))
    bench.step(arrival(ack_id=1, unique=True), COMPUTE)
    assert bench.value("fluid_duplicate_requests_total", kind="repeated") == 1.0


def test_equal_requests_that_are_not_unique_are_no_duplicates(bench: Bench) -> None:
    for ack_id in range(1, 4):
        bench.step(arrival(ack_id=ack_id))
    assert bench.value("fluid_duplicate_requests_total", kind="repeated") == 0.0


def test_a_request_that_was_answered_before_it_came_is_counted_as_such(bench: Bench) -> None:
    bench.step(arrival(ack_id=1, unique=True), do.Ack(1))
    assert bench.value("fluid_duplicate_requests_total", kind="answered") == 1.0
    assert bench.value("fluid_duplicate_requests_total", kind="repeated") == 0.0


def test_what_the_broker_sends_again_on_a_new_connection_is_no_duplicate(bench: Bench) -> None:
    bench.step(arrival(ack_id=1, unique=True), COMPUTE)
    bench.step(seen.Tick(), sent(RESULT))
    bench.step(seen.LinkClosed(LinkName.INFER, CloseReason.LOST))
    bench.step(arrival(ack_id=1, unique=True), COMPUTE)
    assert bench.value("fluid_duplicate_requests_total", kind="repeated") == 0.0
    bench.step(seen.ReplyConfirmed(1, accepted=True))
    assert bench.requests() == {}


def test_partials_are_counted_both_ways(bench: Bench) -> None:
    shares = (partial("1", "a", "lower50"), partial("1", "b", "upper50"))
    bench.step(seen.Tick(), do.SendPartials("b", shares))
    bench.step(seen.PartialSeen(shares[1]))
    assert bench.value("fluid_partials_sent_total") == 2.0
    assert bench.value("fluid_partials_received_total") == 1.0


def test_adoptions_are_counted_from_their_opening_to_their_end(bench: Bench) -> None:
    bench.step(seen.Tick(), do.OpenAdoption("b"))
    for token in range(3):
        bench.step(seen.Tick(), do.RepublishAdopted("b", request("1"), 1, token))
    bench.step(seen.Tick(), do.CloseAdoption("b", end_session=False))
    assert bench.value("fluid_adoptions_started_total") == 1.0
    assert bench.value("fluid_adopted_requests_total") == 3.0
    assert bench.value("fluid_adoptions_finished_total") == 0.0
    bench.step(seen.Tick(), do.CloseAdoption("b", end_session=True))
    assert bench.value("fluid_adoptions_finished_total") == 1.0


def test_every_connection_after_the_first_is_a_reconnect(bench: Bench) -> None:
    for _ in range(3):
        bench.step(seen.LinkOpened(LinkName.CONTROL))
    bench.step(seen.LinkOpened(LinkName.INFER))
    bench.step(seen.LinkClosed(LinkName.INFER, CloseReason.LOST))
    assert bench.value("fluid_reconnects_total", link="control") == 2.0
    assert bench.value("fluid_reconnects_total", link="infer") == 0.0
    assert bench.value("fluid_link_up", link="control") == 1.0
    assert bench.value("fluid_link_up", link="infer") == 0.0


def test_a_beat_shows_how_things_stand(bench: Bench) -> None:
    state = cluster_state(
        4, "a", epoch=2, members=("a", "b", "c"), placement={"lower": ("a",), "upper": ("b", "a")}
    )
    bench.metrics.beat(View(state, leads=True, serving=Mode.HT, held=9, malformed={}))
    shown = {
        "fluid_cluster_term": 4,
        "fluid_cluster_epoch": 2,
        "fluid_cluster_members": 3,
        "fluid_slots_held": 2,
        "fluid_leader": 1,
        "fluid_requests_held": 9,
    }
    assert {name: bench.value(name) for name in shown} == shown
    modes = {mode: bench.value("fluid_mode", mode=mode) for mode in ("ha", "ht", "none")}
    assert modes == {"ha": 0.0, "ht": 1.0, "none": 0.0}
    bench.metrics.beat(VIEW)
    assert bench.value("fluid_mode", mode="none") == 1.0
    assert bench.value("fluid_leader") == 0.0
    assert bench.value("fluid_cluster_term") == 4.0


def test_malformed_messages_are_counted_by_kind_and_each_once(bench: Bench) -> None:
    for malformed in ({"presence": 2}, {"presence": 2}, {"presence": 5, "other": 1}):
        bench.metrics.beat(replace(VIEW, malformed=malformed))
    assert bench.value("fluid_malformed_messages_total", kind="presence") == 5.0
    assert bench.value("fluid_malformed_messages_total", kind="other") == 1.0


def test_who_it_is_and_what_it_serves_is_said(bench: Bench) -> None:
    assert bench.value("fluid_build_info", version="1.2.3", agent="a", role="worker") == 1.0
    bundle = {"name": "made", "digest": DIGEST[:12], "interpreter": "lite 2"}
    assert bench.value("fluid_bundle_info", **bundle) == 1.0


def test_no_event_of_a_request_leaves_anything_behind_once_it_is_let_go_of(bench: Bench) -> None:
    before = len(list(bench.metrics.registry.collect()))
    for ack_id in range(1, 100):
        name = f"image-{ack_id}"
        bench.step(arrival(name, ack_id=ack_id, unique=True), COMPUTE)
        bench.step(computed(name, "lower50"), sent(RESULT, token=ack_id))
        bench.step(seen.ReplyConfirmed(ack_id, accepted=True), do.Ack(ack_id))
    exposed = str([family.samples for family in bench.metrics.registry.collect()])
    assert "image-" not in exposed
    assert len(list(bench.metrics.registry.collect())) == before
    assert bench.requests() == {("ha", "100", "ok"): 99.0}
