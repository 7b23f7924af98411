import pytest

from edge_agent.leisure import Leisure


def test_there_is_no_time_to_lose_before_anything_has_run() -> None:
    assert Leisure().left_s(10) == 0.0


def test_nor_where_nothing_waits_to_be_run() -> None:
    leisure = Leisure()
    leisure.ran(1.0)
    assert leisure.left_s(0) == 0.0


def test_what_is_left_is_a_fraction_of_what_the_jobs_take_that_wait() -> None:
    leisure = Leisure()
    for _ in range(200):
        leisure.ran(0.001)
    assert leisure.left_s(8) == pytest.approx(0.002, rel=0.01)
    assert leisure.left_s(16) == pytest.approx(0.004, rel=0.01)


def test_nobody_waits_for_longer_than_people_notice() -> None:
    leisure = Leisure()
    for _ in range(200):
        leisure.ran(5.0)
    assert leisure.left_s(60) == 0.02


def test_one_slow_job_does_not_make_the_next_ones_slow() -> None:
    leisure = Leisure()
    for job_s in (0.001,) * 200 + (0.1,):
        leisure.ran(job_s)
    assert leisure.left_s(1) < 0.005
