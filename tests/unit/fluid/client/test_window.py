import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fluid.client.window import Backoff, Due, RequestWindow, Send, WhyUnanswered

NO_SUBSCRIBERS = 0x10
NOT_AUTHORISED = 0x87


def open_window() -> RequestWindow:
    window = RequestWindow()
    window.link_opened(0.0)
    return window


def sent(window: RequestWindow, now: float) -> list[str]:
    return [send.request_id for send in window.due(now).sends]


def send_times(window: RequestWindow, until: float) -> list[float]:
    """When requests are sent, by waking up at each deadline and at no other time."""
    times: list[float] = []
    while (deadline := window.next_deadline()) is not None and deadline < until:
        due = window.due(deadline)
        times += [deadline] * len(due.sends)
    return times


def test_a_request_is_due_at_once_and_carries_its_time_left() -> None:
    window = open_window()
    window.submit("a", 5.0, timeout_s=30.0)
    assert window.next_deadline() == 5.0
    assert window.due(5.0) == Due(sends=(Send("a", expiry_s=30.0),))
    assert window.due(5.0) == Due()


def test_an_unanswered_request_is_sent_again_after_3_6_and_then_every_12_seconds() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=60.0)
    assert send_times(window, 60.0) == [0, 3, 9, 21, 33, 45, 57]


def test_a_request_is_sent_again_later_while_answers_come_late() -> None:
    window = open_window()
    for number in range(100):
        window.submit(f"late-{number}", 0.0, timeout_s=60.0)
    window.submit("a", 0.0, timeout_s=60.0)
    window.due(0.0)
    for number in range(100):
        window.answered(f"late-{number}", 2.5)
    assert sent(window, 3.0) == []  # the others were answered just now
    assert send_times(window, 60.0) == pytest.approx([5, 11, 23, 35, 47, 59], abs=0.01)


def test_answers_that_take_for_ever_put_no_resend_off_beyond_the_greatest_delay() -> None:
    window = open_window()
    for number in range(100):
        window.submit(f"late-{number}", 0.0, timeout_s=1000.0)
    window.due(0.0)
    for number in range(100):
        window.answered(f"late-{number}", 400.0)
    window.submit("a", 400.0, timeout_s=1000.0)
    assert send_times(window, 440.0) == pytest.approx([400, 412, 424, 436], abs=0.01)


def test_late_answers_put_off_nothing_that_nobody_took_or_that_a_new_link_has_to_send() -> None:
    window = open_window()
    for number in range(100):
        window.submit(f"late-{number}", 0.0, timeout_s=100.0)
    window.due(0.0)
    for number in range(100):
        window.answered(f"late-{number}", 30.0)
    window.submit("a", 30.0, timeout_s=100.0)
    assert sent(window, 30.0) == ["a"]
    window.confirmed("a", 30.0, reason=NO_SUBSCRIBERS)
    assert sent(window, 30.25) == ["a"]
    window.link_lost()
    window.link_opened(30.5)
    assert sent(window, 30.5) == ["a"]


def test_nothing_is_sent_while_there_is_no_link() -> None:
    window = RequestWindow()
    window.submit("a", 0.0, timeout_s=10.0)
    assert sent(window, 5.0) == []
    assert window.next_deadline() == 10.0
    window.link_opened(6.0)
    assert sent(window, 6.0) == ["a"]


def test_a_new_link_sends_everything_unanswered_at_once_and_nothing_else() -> None:
    window = open_window()
    for request_id in "abc":
        window.submit(request_id, 0.0, timeout_s=30.0)
    assert sent(window, 0.0) == ["a", "b", "c"]
    window.answered("b", 0.5)
    window.link_lost()
    assert sent(window, 1.0) == []
    window.link_opened(1.5)
    assert sent(window, 1.5) == ["a", "c"]
    assert sent(window, 4.4) == []
    assert sent(window, 4.5) == ["a", "c"]


def test_a_request_that_nobody_was_there_for_is_tried_again_soon() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=8.0)
    times = []
    while len(window):
        now = window.next_deadline()
        assert now is not None
        due = window.due(now)
        if due.sends:
            times.append(now)
            window.confirmed("a", now, reason=NO_SUBSCRIBERS)
    assert times == [0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75]
    assert [each.why for each in due.timed_out] == [WhyUnanswered.NO_AGENT]
    assert due.timed_out[0].attempts == 7
    assert window.statistics.unserved == 7


def test_once_an_agent_takes_it_the_request_waits_as_a_first_one_does() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=30.0)
    for now in (0.0, 0.25, 0.75):
        assert sent(window, now) == ["a"]
        window.confirmed("a", now, reason=NO_SUBSCRIBERS)
    assert sent(window, 1.75) == ["a"]
    window.confirmed("a", 1.75, reason=0)
    assert window.next_deadline() == 4.75


def test_an_acknowledgement_alone_changes_nothing() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=30.0)
    window.due(0.0)
    assert window.confirmed("a", 0.1, reason=0) is None
    assert window.next_deadline() == 3.0


def test_a_passing_refusal_is_tried_again_and_a_final_one_ends_the_request() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=30.0)
    window.due(0.0)
    assert window.confirmed("a", 0.0, reason=0x97) is None  # quota exceeded
    assert sent(window, 0.25) == ["a"]
    settled = window.confirmed("a", 0.5, reason=NOT_AUTHORISED)
    assert settled is not None
    assert (settled.latency_ms, settled.attempts) == (500.0, 2)
    assert len(window) == 0
    assert window.statistics.refused == 1


def test_the_first_answer_counts_and_the_second_is_a_duplicate() -> None:
    window = open_window()
    window.submit("a", 1.0, timeout_s=30.0)
    window.due(1.0)
    window.due(4.0)
    settled = window.answered("a", 4.25)
    assert settled is not None
    assert (settled.request_id, settled.latency_ms, settled.attempts) == ("a", 3250.0, 2)
    assert window.answered("a", 4.5) is None
    statistics = window.statistics
    assert (statistics.sent, statistics.resent) == (1, 1)
    assert (statistics.answered, statistics.duplicates) == (1, 1)


def test_an_answer_after_the_time_out_is_late_and_only_the_next_is_a_duplicate() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=1.0)
    window.due(0.0)
    assert [each.why for each in window.due(1.0).timed_out] == [WhyUnanswered.NO_ANSWER]
    assert window.answered("a", 1.1) is None
    assert window.answered("a", 1.2) is None
    statistics = window.statistics
    assert (statistics.timed_out, statistics.late, statistics.duplicates) == (1, 1, 1)


def test_an_answer_to_nothing_is_unreadable() -> None:
    window = open_window()
    assert window.answered("stranger", 0.0) is None
    assert window.statistics.unreadable == 1


def test_a_time_out_without_a_link_says_so() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=2.0)
    window.due(0.0)
    window.link_lost()
    (timed_out,) = window.due(2.0).timed_out
    assert (timed_out.why, timed_out.waited_s) == (WhyUnanswered.NO_LINK, 2.0)


def test_an_abandoned_request_is_not_sent_again() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=30.0)
    assert window.abandon("a")
    assert not window.abandon("a")
    assert window.due(100.0) == Due()
    assert window.next_deadline() is None


def test_an_id_under_way_may_not_be_submitted_again() -> None:
    window = open_window()
    window.submit("a", 0.0, timeout_s=30.0)
    with pytest.raises(ValueError, match="a is under way"):
        window.submit("a", 1.0, timeout_s=30.0)


def test_a_backoff_does_not_overflow() -> None:
    assert Backoff(first_s=1.0, greatest_s=5.0).delay_s(10_000) == 5.0


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens: each request ends exactly once, and is sent only while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.window = RequestWindow()
        self.now = 0.0
        self.link_is_up = False
        self.open: set[str] = set()
        self.ever_sent: set[str] = set()
        self.publishes = 0
        self.answered = 0
        self.submitted = 0

    @rule(timeout_s=st.sampled_from([0.1, 1.0, 10.0, 100.0]))
    def submit(self, timeout_s: float) -> None:
        self.submitted += 1
        request_id = str(self.submitted)
        self.window.submit(request_id, self.now, timeout_s=timeout_s)
        self.open.add(request_id)

    @rule(step_s=st.floats(0.0, 20.0))
    def wait(self, step_s: float) -> None:
        self.now += step_s
        due = self.window.due(self.now)
        for timed_out in due.timed_out:
            self.open.remove(timed_out.request_id)
        for send in due.sends:
            assert self.link_is_up
            assert send.request_id in self.open
            assert send.expiry_s > 0
            self.ever_sent.add(send.request_id)
            self.publishes += 1
        later = self.window.next_deadline()
        assert later is None or later > self.now

    @rule()
    def open_link(self) -> None:
        self.link_is_up = True
        self.window.link_opened(self.now)

    @rule()
    def lose_link(self) -> None:
        self.link_is_up = False
        self.window.link_lost()

    @precondition(lambda self: self.submitted)
    @rule(data=st.data(), reason=st.sampled_from([0, NO_SUBSCRIBERS, NOT_AUTHORISED, 0x97]))
    def confirm(self, data: st.DataObject, reason: int) -> None:
        request_id = self._any_id(data)
        settled = self.window.confirmed(request_id, self.now, reason=reason)
        assert (settled is not None) == (request_id in self.open and reason == NOT_AUTHORISED)
        if settled is not None:
            self.open.remove(request_id)

    @precondition(lambda self: self.submitted)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        request_id = self._any_id(data)
        settled = self.window.answered(request_id, self.now)
        assert (settled is not None) == (request_id in self.open)
        if settled is not None:
            self.open.remove(request_id)
            self.answered += 1

    @invariant()
    def keeps_what_is_open_and_counts_it(self) -> None:
        assert set(self.window) == self.open
        assert len(self.window) == len(self.open)
        statistics = self.window.statistics
        assert statistics.answered == self.answered
        assert statistics.sent == len(self.ever_sent)
        assert statistics.sent + statistics.resent == self.publishes

    def _any_id(self, data: st.DataObject) -> str:
        return str(data.draw(st.integers(1, self.submitted)))


TestAnyHistory = AnyHistory.TestCase
