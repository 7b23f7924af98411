from fluid.bench.comparison import changes, other_conditions
from fluid.bench.figures import Reading, Results, collect
from fluid.bench.statistics import Verdict

CASE = ("Fluid HT", "both online")


def _results(quantity: str, *values: float, machine: str = "a") -> Results:
    readings = [Reading(CASE, quantity, value) for value in values]
    return Results({"processor": machine}, {}, {"paper": collect(readings)})


def test_more_images_a_second_are_better() -> None:
    (change,) = changes(
        _results("images_per_s", 100, 101, 99), _results("images_per_s", 150, 151, 149)
    )
    assert (change.part, change.case, change.quantity) == ("paper", CASE, "images_per_s")
    assert change.verdict is Verdict.HIGHER
    assert (change.is_better, change.is_worse, change.factor) == (True, False, 1.5)


def test_a_longer_latency_is_worse() -> None:
    (change,) = changes(_results("p99_ms", 10, 10, 10), _results("p99_ms", 20, 20, 20))
    assert (change.is_better, change.is_worse) == (False, True)


def test_noise_is_neither() -> None:
    (change,) = changes(_results("p99_ms", 10, 10, 10), _results("p99_ms", 10, 10.1, 10))
    assert (change.is_better, change.is_worse) == (False, False)


def test_what_explains_others_is_not_judged() -> None:
    old, new = _results("broker_cores", 0.1, 0.1, 0.1), _results("broker_cores", 0.9, 0.9, 0.9)
    assert changes(old, new) == ()


def test_a_figure_that_only_one_run_has_is_left_out() -> None:
    assert changes(_results("p50_ms", 1, 1, 1), _results("p99_ms", 1, 1, 1)) == ()
    assert changes(Results(), _results("p99_ms", 1, 1, 1)) == ()


def test_what_was_nothing_has_no_factor() -> None:
    (change,) = changes(_results("lost", 0, 0, 0), _results("lost", 2, 2, 2))
    assert (change.factor, change.is_worse) == (None, True)


def test_another_machine_is_named() -> None:
    old, new = _results("lost", 0, machine="a"), _results("lost", 0, machine="b")
    assert other_conditions(old, new) == ("processor: a, now b",)
    assert other_conditions(old, old) == ()


def test_a_condition_that_one_run_does_not_say_is_named() -> None:
    old, new = Results({}, {}, {}), Results({}, {"repetitions": "5"}, {})
    assert other_conditions(old, new) == ("repetitions: not said, now 5",)
