from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.bus import BrokerRota, Pace

PACE = Pace()
LONG_S = 100.0  # an open link that lasted so long was a success
MOMENT_S = 0.01
PAUSES_S = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def fail(rota: BrokerRota, now: float = 0.0) -> float:
    """The broker of the day cannot be reached."""
    return rota.closed(now)


def lose(rota: BrokerRota, now: float = 0.0, *, after_s: float = LONG_S) -> float:
    """It can, and the link breaks after so long."""
    rota.opened(now)
    return rota.closed(now + after_s)


def at_fallback(broker: int = 1, *, count: int = 2, now: float = 0.0) -> BrokerRota:
    rota = BrokerRota(count)
    rota.move_to(broker)
    rota.opened(now)
    return rota


class TestOneBroker:
    def test_the_pause_doubles_up_to_five_seconds(self) -> None:
        rota = BrokerRota()
        assert [fail(rota) for _ in PAUSES_S] == PAUSES_S
        assert rota.index == 0

    def test_a_link_that_held_makes_the_pause_short_again(self) -> None:
        rota = BrokerRota()
        for _ in range(20):
            fail(rota)
        assert lose(rota) == 0.1
        assert fail(rota) == 0.2

    def test_a_link_that_is_lost_as_soon_as_it_opens_is_no_success(self) -> None:
        rota = BrokerRota()
        assert [lose(rota, after_s=MOMENT_S) for _ in PAUSES_S] == PAUSES_S

    def test_there_is_nothing_to_probe_and_nowhere_to_go(self) -> None:
        rota = BrokerRota()
        rota.opened(0.0)
        assert rota.take_due_probes(LONG_S) == ()
        assert rota.next_probe_at() is None
        assert rota.preferred is None
        rota.forsake()
        assert rota.index == 0


class TestSeveralBrokers:
    def test_the_most_preferred_comes_first(self) -> None:
        assert BrokerRota(3).index == 0

    def test_one_that_cannot_be_reached_is_followed_by_the_next_at_once(self) -> None:
        rota = BrokerRota(3)
        assert (fail(rota), rota.index) == (0.0, 1)
        assert (fail(rota), rota.index) == (0.0, 2)

    def test_a_link_that_broke_is_tried_once_more_where_it_was_and_then_elsewhere(self) -> None:
        rota = at_fallback(1, count=3)
        assert (rota.closed(LONG_S), rota.index) == (0.0, 1)
        assert (fail(rota), rota.index) == (0.0, 0)  # the others in order of preference
        assert (fail(rota), rota.index) == (0.0, 2)

    def test_after_a_fruitless_round_there_is_a_pause_that_doubles_from_round_to_round(
        self,
    ) -> None:
        rota = BrokerRota(3)
        pauses = [fail(rota) for _ in range(3 * len(PAUSES_S))]
        assert [pause for pause in pauses if pause] == PAUSES_S
        assert pauses[2::3] == PAUSES_S

    def test_each_round_begins_with_the_most_preferred(self) -> None:
        rota = BrokerRota(3)
        tried = []
        for _ in range(7):
            tried.append(rota.index)
            fail(rota)
        assert tried == [0, 1, 2, 0, 1, 2, 0]

    def test_a_broker_that_opens_and_closes_is_tried_again_only_once(self) -> None:
        rota = BrokerRota(2)
        assert (lose(rota, after_s=MOMENT_S), rota.index) == (0.0, 0)
        assert (lose(rota, after_s=MOMENT_S), rota.index) == (0.0, 1)
        assert (lose(rota, after_s=MOMENT_S), rota.index) == (0.1, 0)

    def test_a_link_that_we_closed_ourselves_says_nothing_against_its_broker(self) -> None:
        rota = BrokerRota(2)
        rota.opened(0.0)
        assert (rota.closed(LONG_S, by_us=True), rota.index) == (0.1, 0)

    @given(
        count=st.integers(1, 4),
        script=st.lists(st.sampled_from([None, MOMENT_S, LONG_S]), max_size=60),
    )
    def test_it_never_spins_and_leaves_no_broker_out(
        self, count: int, script: list[float | None]
    ) -> None:
        """None: the broker cannot be reached; else how long the link held."""
        rota = BrokerRota(count)
        tried: list[int] = []
        at_once = 0
        for held_s in script:
            tried.append(rota.index)
            pause_s = fail(rota) if held_s is None else lose(rota, after_s=held_s)
            assert 0 <= rota.index < count
            assert 0.0 <= pause_s <= PACE.greatest_pause_s
            if held_s == LONG_S:
                at_once = 0
            at_once = at_once + 1 if pause_s == 0.0 else 0
            # At most: the same once more, and each of the others.
            assert at_once <= count + 1
            if pause_s > 0.0:
                assert set(tried) == set(range(count))
                tried.clear()
                assert rota.index == 0


class TestReturning:
    def test_at_the_preferred_broker_nothing_is_probed(self) -> None:
        rota = BrokerRota(3)
        rota.opened(0.0)
        assert rota.take_due_probes(LONG_S) == ()
        assert rota.next_probe_at() is None

    def test_on_a_fallback_all_that_are_preferred_are_probed_at_their_pace(self) -> None:
        rota = at_fallback(2, count=4)
        assert rota.next_probe_at() == 2.0
        assert rota.take_due_probes(1.9) == ()
        assert rota.take_due_probes(2.0) == (0, 1)
        for broker in (0, 1):
            rota.probed(broker, answered=False)
        assert rota.take_due_probes(3.9) == ()
        assert rota.take_due_probes(4.0) == (0, 1)

    def test_a_probe_that_hangs_is_not_joined_by_another(self) -> None:
        rota = at_fallback()
        assert rota.take_due_probes(2.0) == (0,)
        assert rota.take_due_probes(LONG_S) == ()
        assert rota.next_probe_at() is None
        rota.probed(0, answered=False)
        assert rota.take_due_probes(LONG_S) == (0,)

    def test_two_good_probes_in_a_row_are_needed(self) -> None:
        rota = at_fallback()
        for moment, answered in enumerate([True, False, True, True]):
            assert rota.preferred is None
            assert rota.take_due_probes(2.0 * (moment + 1)) == (0,)
            rota.probed(0, answered=answered)
        assert rota.preferred == 0

    def test_of_several_that_answer_the_most_preferred_is_returned_to(self) -> None:
        rota = at_fallback(2, count=3)
        for moment in (2.0, 4.0):
            for broker in rota.take_due_probes(moment):
                rota.probed(broker, answered=True)
        assert rota.preferred == 0

    def test_what_was_probed_counts_for_one_stay_only(self) -> None:
        rota = at_fallback()
        for moment in (2.0, 4.0):
            rota.take_due_probes(moment)
            rota.probed(0, answered=True)
        rota.closed(5.0)
        assert rota.preferred is None
        rota.opened(6.0)
        assert rota.preferred is None
        assert rota.next_probe_at() == 8.0

    def test_late_news_of_a_probe_is_nothing(self) -> None:
        rota = at_fallback()
        rota.move_to(0)
        rota.opened(1.0)
        rota.probed(0, answered=True)
        rota.probed(0, answered=True)
        assert rota.preferred is None

    def test_after_the_return_a_break_is_a_break_like_any_other(self) -> None:
        rota = at_fallback()
        rota.move_to(0)
        assert (lose(rota, after_s=MOMENT_S), rota.index) == (0.0, 0)
        assert (fail(rota), rota.index) == (0.0, 1)


class TestForsaking:
    def test_the_next_is_looked_at_round_and_round(self) -> None:
        rota = BrokerRota(3)
        seen = []
        for _ in range(4):
            seen.append(rota.index)
            rota.opened(0.0)
            rota.forsake()
        assert seen == [0, 1, 2, 0]

    @pytest.mark.parametrize(("times", "after_s"), [(1, 4.0), (2, 8.0), (3, 16.0), (9, 60.0)])
    def test_a_forsaken_broker_is_probed_later_and_later(self, times: int, after_s: float) -> None:
        rota = BrokerRota(2)
        for _ in range(times):
            rota.move_to(0)
            rota.opened(0.0)
            rota.forsake()
        rota.opened(0.0)
        assert rota.next_probe_at() == after_s

    def test_once_it_was_of_use_it_is_held_against_it_no_more(self) -> None:
        rota = BrokerRota(2)
        rota.forsake()
        rota.move_to(0)
        rota.useful()
        rota.move_to(1)
        rota.opened(0.0)
        assert rota.next_probe_at() == PACE.probe_s


def test_the_pace_doubles() -> None:
    rota = BrokerRota(1, Pace(first_pause_s=1.0, greatest_pause_s=8.0))
    pauses = [fail(rota) for _ in range(6)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert all(later == min(2 * sooner, 8.0) for sooner, later in pairwise(pauses))
