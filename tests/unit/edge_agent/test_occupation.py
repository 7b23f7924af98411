import pytest

from edge_agent.occupation import Occupation


def test_whoever_never_waits_was_always_at_work() -> None:
    assert Occupation(10.0).total_ms(12.0) == 2000.0


def test_waiting_is_not_work() -> None:
    occupation = Occupation(10.0)
    occupation.waits(10.5)
    occupation.works(11.5)
    occupation.waits(12.0)
    occupation.works(12.25)
    assert occupation.total_ms(13.0) == pytest.approx(1750.0)


def test_nor_is_waiting_that_has_not_ended() -> None:
    occupation = Occupation(0.0)
    occupation.waits(1.0)
    assert occupation.total_ms(5.0) == 1000.0


def test_it_is_reported_at_an_even_pace_however_long_the_work_takes() -> None:
    occupation = Occupation(10.0)
    assert occupation.report_ms(10.0) == 0.0
    assert occupation.report_ms(10.2) is None
    assert occupation.report_ms(10.4) == pytest.approx(400.0)
    assert occupation.report_ms(10.6) is None
    assert occupation.report_ms(10.7) == pytest.approx(700.0)
