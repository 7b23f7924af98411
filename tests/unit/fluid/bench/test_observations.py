from pathlib import Path

import numpy as np
import pytest

from fluid.bench.observations import Observations

NAN = float("nan")


def _observations(
    sent_s: list[float],
    answered_s: list[float],
    *,
    right: list[int] | None = None,
    problem: list[str] | None = None,
    batch: int = 1,
    end_s: float = 10.0,
    broker_bytes: int | None = None,
) -> Observations:
    """A stream that is measured from 0 on."""
    count = len(sent_s)
    return Observations(
        batch=batch,
        sent_s=np.array(sent_s, dtype=np.float64),
        answered_s=np.array(answered_s, dtype=np.float64),
        right=np.array(right or [batch] * count, dtype=np.int64),
        mode=np.array(["ha"] * count, dtype=np.str_),
        problem=np.array(problem or [""] * count, dtype=np.str_),
        begin_s=0.0,
        end_s=end_s,
        cores={"master": 0.2, "broker": 0.1},
        broker_bytes=broker_bytes,
    )


def _even(count: int, *, each_s: float, takes_s: float = 0.001) -> Observations:
    sent_s = [number * each_s for number in range(count)]
    return _observations(sent_s, [at_s + takes_s for at_s in sent_s], end_s=count * each_s)


def test_images_are_counted_in_the_time_that_was_measured() -> None:
    sent_s = [float(number) / 100 for number in range(-100, 1100)]
    seen = _observations(sent_s, sent_s)
    assert seen.images_per_s == pytest.approx(100.0)


def test_few_messages_are_counted_from_the_first_answer_to_the_last() -> None:
    """Three answers in 10 s, 4 s apart: 8 images in 4 s, and not 24 in 10."""
    seen = _observations([0.0, 0.0, 0.0], [1.0, 5.0, 9.0], batch=8)
    assert seen.images_per_s == pytest.approx(2.0)


def test_answers_that_come_all_at_once_are_counted_in_all_the_time() -> None:
    assert _observations([0.0], [5.0]).images_per_s == pytest.approx(0.1)
    assert _observations([0.0, 0.0], [5.0, 5.0]).images_per_s == pytest.approx(0.2)


def test_nothing_in_no_time_is_no_throughput() -> None:
    assert _observations([0.0], [NAN], end_s=0.0).images_per_s == 0.0


def test_errors_and_missing_answers_are_no_images() -> None:
    seen = _observations(
        [0.0, 0.0, 0.0], [1.0, 2.0, NAN], right=[0, 1, 0], problem=["nothing_runnable", "", ""]
    )
    assert seen.lost == 1
    assert seen.errors == {"nothing_runnable": 1}
    assert seen.accuracy == 1.0
    assert seen.images_per_s == pytest.approx(0.1)


def test_accuracy_is_of_the_images_of_a_batch() -> None:
    assert _observations([0.0, 0.0], [1.0, 2.0], right=[8, 6], batch=8).accuracy == 14 / 16


def test_without_any_result_there_is_no_accuracy() -> None:
    seen = _observations([0.0], [NAN])
    assert (seen.accuracy, seen.latency_ms(50), seen.slowest_s) == (None, None, None)
    assert seen.first_answer_s() is None


def test_latency_counts_from_when_a_request_was_due() -> None:
    seen = _even(1000, each_s=0.01, takes_s=0.025)
    assert seen.latency_ms(50) == pytest.approx(25.0)
    assert seen.slowest_s == pytest.approx(0.025)


def test_bytes_are_shared_out_over_the_images() -> None:
    seen = _observations([0.0] * 4, [1.0, 2.0, 3.0, 4.0], batch=10, broker_bytes=80_000)
    assert seen.bytes_per_image == 2000.0
    assert _observations([0.0], [1.0]).bytes_per_image is None
    assert _observations([0.0], [NAN], broker_bytes=1).bytes_per_image is None


def test_a_gap_is_the_longest_silence_that_ends_after_the_moment() -> None:
    seen = _observations([0.0] * 5, [1.0, 4.0, 4.1, 4.8, 5.0])
    assert seen.gap_s(0.5) == pytest.approx(3.0)
    assert seen.gap_s(4.05) == pytest.approx(0.7)


def test_a_silence_that_never_ends_lasts_from_the_moment_on() -> None:
    assert _observations([0.0], [1.0]).gap_s(2.0) == pytest.approx(8.0)


def test_windows_hold_what_was_due_in_each() -> None:
    seen = _even(100, each_s=0.02)
    windows = list(seen.windows(0.5))
    assert [at_s for at_s, _ in windows] == [0.0, 0.5, 1.0, 1.5]
    assert [len(each.sent_s) for _, each in windows] == [25, 25, 25, 25]


def test_answers_are_counted_when_they_come() -> None:
    seen = _observations([0.0, 0.0, 0.0], [0.2, 0.7, NAN], batch=2)
    assert (seen.answered_between(0.0, 0.5), seen.answered_between(0.5, 1.0)) == (2, 2)


@pytest.mark.parametrize("broker_bytes", [None, 12_345])
def test_observations_are_the_same_after_a_way_through_their_file(
    tmp_path: Path, broker_bytes: int | None
) -> None:
    seen = _observations([0.0, 1.0], [0.5, NAN], problem=["", ""], broker_bytes=broker_bytes)
    seen.write(tmp_path / "seen.npz")
    read = Observations.read(tmp_path / "seen.npz")
    assert (read.cores, read.broker_bytes, read.span_s) == (seen.cores, broker_bytes, 10.0)
    assert np.array_equal(read.answered_s, seen.answered_s, equal_nan=True)
    assert read.accuracy == seen.accuracy
