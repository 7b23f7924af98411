import math
from pathlib import Path

from fluid.bench.pacing import ClosedLoop, OpenLoop
from fluid.bench.stream_plan import StreamPlan


def test_a_plan_is_the_same_after_a_way_through_its_file(tmp_path: Path) -> None:
    plan = StreamPlan(
        host="::1",
        port=1,
        images="i",
        output="o",
        steps=((1.0, 20.0), (0.5, 3.0)),
        watch={"broker": 7},
        count=3,
    )
    plan.write(tmp_path / "plan.json")
    assert StreamPlan.read(tmp_path / "plan.json") == plan


def test_a_plan_with_steps_is_an_open_loop_as_long_as_they_are() -> None:
    plan = StreamPlan(
        host="h", port=1, images="i", output="o", steps=((1.0, 20.0), (0.5, 3.0)), warm_up_s=0.5
    )
    assert isinstance(plan.pacing(), OpenLoop)
    assert plan.span_s == 1.5


def test_a_plan_with_a_window_is_a_closed_loop_for_its_time() -> None:
    plan = StreamPlan(
        host="h", port=1, images="i", output="o", window=8, warm_up_s=1.0, measure_s=2.0
    )
    pacing = plan.pacing()
    assert isinstance(pacing, ClosedLoop)
    assert len(pacing.due(0.0, under_way=0)) == 8
    assert pacing.is_over(3.0)


def test_a_plan_with_a_count_lasts_as_long_as_that_takes() -> None:
    plan = StreamPlan(host="h", port=1, images="i", output="o", window=8, count=10)
    assert plan.span_s == math.inf
    assert not plan.pacing().is_over(1e6)
