from collections.abc import Sequence

from fluid.bench.bars import bars
from fluid.bench.figures import Reading, Results, collect

FIGURE = [
    *(
        Reading(("Fluid HT", situation), "images_per_s", 700)
        for situation in ("both online", "only Master", "only Worker")
    ),
    Reading(("Static", "both online"), "images_per_s", 200),
    Reading(("Static", "only Master"), "images_per_s", 0, note="fails: nothing_runnable"),
    Reading(("Static", "only Worker"), "images_per_s", 0, note="fails: nothing_runnable"),
    Reading(("ht_over_static",), "ratio", 3.5),
]


def _holds(part: str, readings: Sequence[Reading]) -> dict[str, bool]:
    return {each.promised: each.holds for each in bars(Results(parts={part: collect(readings)}))}


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert bars(Results()) == ()
    assert _holds("paper", []) == {}


def test_the_figure_holds_where_the_right_ones_fail() -> None:
    assert _holds("paper", FIGURE) == {
        "images/s of HT over static": True,
        "Static fails": True,
        "Fluid HT fails": True,
    }


def test_a_fluid_network_that_fails_breaks_the_promise() -> None:
    failed = Reading(("Fluid HT", "only Worker"), "images_per_s", 0, note="fails: no answer")
    assert _holds("paper", [*FIGURE, failed])["Fluid HT fails"] is False


def test_a_static_network_that_goes_on_with_one_device_is_no_static_network() -> None:
    readings = [Reading(("Static", "only Master"), "images_per_s", 100)]
    assert _holds("paper", readings) == {"Static fails": False}


def test_accuracy_may_be_a_tenth_of_a_point_lower_than_that_of_static() -> None:
    static = Reading(("Static", "both online"), "accuracy", 0.9949)
    for accuracy, holds in ((0.9939, True), (0.9938, False)):
        fluid = Reading(("Fluid HA", "both online"), "accuracy", accuracy)
        assert _holds("paper", [static, fluid])["accuracy of HA below Static"] is holds


def test_a_return_of_the_mode_has_to_happen_once_in_each_repetition() -> None:
    def readings(counts: Sequence[int]) -> list[Reading]:
        return [Reading(("load step",), "switches_to_ha", count) for count in counts]

    assert _holds("load", readings([1, 1]))["load step: switches to HA"]
    assert not _holds("load", readings([1, 0]))["load step: switches to HA"]
    assert not _holds("load", readings([1, 2]))["load step: switches to HA"]


def test_a_mode_that_never_changes_is_not_in_time() -> None:
    (bar, *_) = bars(
        Results(parts={"load": collect([Reading(("load step",), "switches_to_ht", 0)])})
    )
    assert (bar.measured, bar.holds) == ("never", False)


def test_the_slowest_repetition_of_the_load_step_counts() -> None:
    readings = [
        Reading(("load step",), "switches_to_ht", 1),
        Reading(("load step",), "to_ht_s", 1.5),
        Reading(("load step",), "to_ht_s", 2.5),
    ]
    assert not _holds("load", readings)["load step: in HT after the overload began"]


def test_one_lost_request_in_any_repetition_breaks_the_promise() -> None:
    case = ("HA", "Worker killed")
    readings = [Reading(case, "lost", 0), Reading(case, "lost", 0), Reading(case, "lost", 1)]
    assert _holds("failover", readings) == {"HA, Worker killed: requests lost": False}


def test_memory_is_held_against_the_interpreter_where_that_alone_takes_much() -> None:
    def readings(alone_mb: float, busy_mb: float) -> list[Reading]:
        return [
            Reading(("interpreter alone",), "resident_mb", alone_mb),
            Reading(("busy agent",), "resident_mb", busy_mb),
        ]

    assert _holds("memory", readings(20, 59)) == {"resident memory of a busy agent": True}
    assert _holds("memory", readings(20, 61)) == {"resident memory of a busy agent": False}
    assert _holds("memory", readings(48, 61)) == {"resident memory of a busy agent": False}
    assert _holds("memory", readings(62, 86)) == {"resident memory of a busy agent": True}
    assert _holds("memory", readings(62, 88)) == {"resident memory of a busy agent": False}


def test_overhead_and_scaling_have_a_bar_for_each_size() -> None:
    overhead = [
        Reading(("fluid", "1"), "of_bare", 0.5),
        Reading(("fluid", "32"), "of_bare", 0.5),
        Reading(("slow", "1"), "of_bare", 0.98),
    ]
    assert list(_holds("overhead", overhead).values()) == [False, True, True]
    scaling = [Reading(("HT", "4"), "efficiency", 0.96), Reading(("HT", "8"), "efficiency", 0.89)]
    assert list(_holds("scaling", scaling).values()) == [True, False]
