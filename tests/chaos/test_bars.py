from tests.chaos.bars import Bar, bars
from tests.chaos.figures import summarise
from tests.chaos.making import FAULT_S, campaign, episode, record
from tests.chaos.plan import Fault


def _bars(*times_s: float, fault: Fault = Fault.KILL) -> list[Bar]:
    records = [record(FAULT_S - 0.1, FAULT_S + time_s) for time_s in times_s]
    return bars([summarise(campaign(episode(*records, fault=fault)))])


def _times(found: list[Bar]) -> list[bool | None]:
    return [bar.holds for bar in found if bar.is_time]


def test_a_killed_process_has_half_a_second() -> None:
    assert _times(_bars(0.4)) == [True, None, None, None]
    assert _times(_bars(0.6)) == [False, None, None, None]


def test_a_silent_device_has_three_seconds() -> None:
    assert _times(_bars(2.9, fault=Fault.SILENCE)) == [None, None, True, None]
    assert _times(_bars(3.1, fault=Fault.SILENCE)) == [None, None, False, None]


def test_what_is_sent_during_the_outage_has_no_more_time() -> None:
    sent_later = episode(record(FAULT_S + 0.5, FAULT_S + 1.5))
    assert _times(bars([summarise(campaign(sent_later))])) == [None, False, None, None]


def test_too_few_requests_prove_nothing() -> None:
    (requests, *_) = _bars(0.1)
    assert (requests.measured, requests.bar, requests.holds) == ("1", "at least 100,000", False)


def test_one_lost_request_breaks_its_bar() -> None:
    lost = record(FAULT_S, None)
    found = bars([summarise(campaign(episode(lost)))])
    broken = [bar.promised for bar in found if bar.holds is False and bar.bar == "0"]
    assert broken == ["2 agents: lost"]
