import json
from dataclasses import replace

from fluid.dashboard.traffic import HISTORY_S, Tick, Traffic
from tests.unit.fluid.dashboard.clusters import error, result


def test_a_second_is_told_once_it_is_over() -> None:
    traffic = Traffic(100.2)
    traffic.add([result(subnetwork="100"), result(subnetwork="lower50")], 100.5)
    traffic.add([error()], 100.9)
    traffic.add_own(12.5, 100.95)
    assert traffic.since() == []
    assert traffic.last_second == 99
    traffic.advance(101.0)
    assert traffic.last_second == 100
    assert traffic.since() == [
        Tick(
            100,
            answers=2,
            errors=1,
            device_p50_ms=3.0,
            device_p99_ms=3.0,
            own_ms=12.5,
            shares=(("100", 1), ("lower50", 1)),
        )
    ]
    assert (traffic.answers, traffic.errors) == (2, 1)


def test_seconds_without_an_answer_are_told_too() -> None:
    traffic = Traffic(100.0)
    traffic.add([result()], 100.1)
    traffic.advance(103.0)
    assert [(tick.second, tick.answers) for tick in traffic.since()] == [
        (100, 1),
        (101, 0),
        (102, 0),
    ]
    assert traffic.since()[1] == Tick(101)


def test_what_came_after_a_second_is_told_alone() -> None:
    traffic = Traffic(100.0)
    traffic.advance(105.0)
    assert [tick.second for tick in traffic.since(102)] == [103, 104]
    assert traffic.since(104) == []


def test_half_and_nearly_all_are_within_the_latencies_told() -> None:
    traffic = Traffic(0.0)
    for number in range(100):
        traffic.add([result(queue_ms=float(number))], 0.5)
    traffic.advance(1.0)
    (tick,) = traffic.since()
    assert (tick.device_p50_ms, tick.device_p99_ms) == (49.0 + 2.0, 98.0 + 2.0)


def test_the_history_is_bounded_also_after_a_long_sleep() -> None:
    traffic = Traffic(0.0)
    traffic.advance(10.0)
    traffic.advance(1_000_000.0)
    ticks = traffic.since()
    assert len(ticks) == HISTORY_S
    assert ticks[-1].second == traffic.last_second == 999_999


def test_names_that_anybody_may_publish_are_bounded() -> None:
    traffic = Traffic(0.0)
    traffic.add([result(subnetwork=f"made-up-{number}") for number in range(100)], 0.1)
    traffic.advance(1.0)
    (tick,) = traffic.since()
    assert len(tick.shares) == 13
    assert dict(tick.shares)["other"] == 88


def test_a_name_that_is_no_name_is_counted_as_another() -> None:
    traffic = Traffic(0.0)
    traffic.add([result(subnetwork="x" * 65), result(subnetwork="x" * 64)], 0.1)
    traffic.advance(1.0)
    (tick,) = traffic.since()
    assert dict(tick.shares) == {"other": 1, "x" * 64: 1}


def test_times_that_anybody_may_publish_stay_what_json_can_say() -> None:
    traffic = Traffic(0.0)
    traffic.add([replace(result(queue_ms=ms), compute_ms=ms) for ms in (1.5e308, -1.5e308)], 0.1)
    traffic.advance(1.0)
    (tick,) = traffic.since()
    assert json.dumps(tick.to_json(epoch_s=0.0), allow_nan=False)


def test_a_second_without_the_broker_is_blind_unless_something_was_heard() -> None:
    traffic = Traffic(0.0)
    traffic.add([result()], 0.1)
    traffic.advance(2.0, blind=True)
    assert [tick.blind for tick in traffic.since()] == [False, True]


def test_a_tick_is_told_in_the_time_of_the_wall() -> None:
    assert Tick(5, 1, 0, 1.234, None, None, (("100", 1),)).to_json(epoch_s=1000.5) == {
        "at": 1005.5,
        "answers": 1,
        "errors": 0,
        "p50": 1.23,
        "p99": None,
        "own": None,
        "shares": {"100": 1},
        "blind": False,
    }
