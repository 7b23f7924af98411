import numpy as np

from fluid.bench.measures import failure, latency, throughput, traffic, unanswered
from fluid.bench.observations import Observations

CASE = ("Static", "only Master")
NAN = float("nan")


def _seen(answered_s: list[float], problem: list[str]) -> Observations:
    count = len(answered_s)
    return Observations(
        batch=1,
        sent_s=np.zeros(count),
        answered_s=np.array(answered_s),
        right=np.ones(count, dtype=np.int64),
        mode=np.array(["ht"] * count, dtype=np.str_),
        problem=np.array(problem, dtype=np.str_),
        begin_s=0.0,
        end_s=2.0,
        cores={"generator": 0.03, "broker": 0.05, "master": 0.19, "worker": 0.17},
        broker_bytes=1000,
    )


def test_the_work_of_all_agents_counts_together_and_against_their_shares() -> None:
    values = {each.quantity: each.value for each in throughput(CASE, _seen([1.0], [""]), share=0.2)}
    assert values["agents_cores"] == 0.36
    assert values["agents_of_share"] == 0.36 / 0.4
    assert (values["broker_cores"], values["generator_cores"]) == (0.05, 0.03)


def test_without_a_share_nothing_is_said_of_it() -> None:
    quantities = {each.quantity for each in throughput(CASE, _seen([1.0], [""]), share=None)}
    assert "agents_of_share" not in quantities


def test_a_failure_says_which_error_it_was() -> None:
    assert failure(_seen([1.0], ["nothing_runnable"])) == "fails: nothing_runnable"


def test_a_failure_without_any_answer_says_that() -> None:
    assert failure(_seen([NAN], [""])) == "fails: no answer"


def test_where_something_was_answered_nothing_fails() -> None:
    assert failure(_seen([1.0, 1.0], ["", "nothing_runnable"])) == ""


def test_a_failure_has_no_latency_and_no_bytes_an_image() -> None:
    seen = _seen([NAN], [""])
    assert list(latency(CASE, seen)) == []
    assert list(traffic(CASE, seen)) == []


def test_errors_are_counted_and_named() -> None:
    lost, errors = unanswered(CASE, _seen([1.0, NAN, 1.0], ["", "", "nothing_runnable"]))
    assert (lost.quantity, lost.value) == ("lost", 1)
    assert (errors.quantity, errors.value, errors.note) == ("errors", 1, "nothing_runnable")
