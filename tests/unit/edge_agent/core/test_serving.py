from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.effects import Effect, Serve, StopServing
from edge_agent.core.events import Route
from edge_agent.core.serving import ROUTES, Serving
from edge_agent.core.settings import Timing
from fluid.messages import Mode

TIMING = Timing(resubscribe_first_s=1.0, resubscribe_most_s=4.0)
EVERYONE, SHARED = Route.EVERYONE, Route.SHARED


def serving(mode: Mode) -> Serving:
    """An open link that hears the route of a mode."""
    made = Serving(TIMING)
    made.want(mode, link_open=False)
    made.link_opened()
    made.served(ROUTES[mode])
    return made


def mode_of(made: Serving) -> Mode | None:
    return made.mode  # asked anew: a type checker takes a property for constant


def test_a_fresh_link_takes_up_the_wanted_route_and_drops_leftovers_of_its_session() -> None:
    made = Serving(TIMING)
    assert made.want(Mode.HT, link_open=False) == []
    assert made.link_opened() == [Serve(SHARED), StopServing(EVERYONE)]


def test_no_mode_is_claimed_before_the_broker_confirmed_it() -> None:
    made = Serving(TIMING)
    made.want(Mode.HA, link_open=True)
    assert mode_of(made) is None
    made.served(EVERYONE)
    assert mode_of(made) is Mode.HA


def test_the_new_route_is_confirmed_before_the_old_one_is_left() -> None:
    made = serving(Mode.HA)
    assert made.want(Mode.HT, link_open=True) == [Serve(SHARED)]
    assert made.leave_others() == []
    assert mode_of(made) is Mode.HA
    made.served(SHARED)
    assert mode_of(made) is Mode.HT
    assert made.leave_others() == [StopServing(EVERYONE)]
    assert made.leave_others() == []


def test_wanting_the_same_again_does_nothing() -> None:
    made = serving(Mode.HA)
    assert made.want(Mode.HA, link_open=True) == []
    assert made.leave_others() == []


def test_flipping_back_keeps_the_old_route_and_drops_the_late_one() -> None:
    made = serving(Mode.HA)
    made.want(Mode.HT, link_open=True)
    assert made.want(Mode.HA, link_open=True) == []
    assert mode_of(made) is Mode.HA
    made.served(SHARED)
    assert mode_of(made) is Mode.HA
    assert made.leave_others() == [StopServing(SHARED)]


def test_a_lost_link_hears_nothing() -> None:
    made = serving(Mode.HA)
    made.link_lost()
    assert mode_of(made) is None
    assert made.want(Mode.HT, link_open=False) == []
    assert made.link_opened() == [Serve(SHARED), StopServing(EVERYONE)]


def test_leaving_stops_every_route() -> None:
    made = serving(Mode.HA)
    assert made.want(None, link_open=True) == [StopServing(EVERYONE)]
    assert mode_of(made) is None
    assert made.want(None, link_open=True) == []


def test_leaving_while_a_confirmation_is_on_its_way_ends_hearing_nothing_in_the_end() -> None:
    made = serving(Mode.HA)
    made.want(Mode.HT, link_open=True)
    assert made.want(None, link_open=True) == [StopServing(EVERYONE)]
    made.served(SHARED)
    assert made.leave_others() == [StopServing(SHARED)]
    assert mode_of(made) is None


# Refusals.


def refused_for(made: Serving, times: int, now: float = 100.0) -> list[float]:
    """Let the broker refuse HT so often; returns the pauses before it is asked for again."""
    pauses = []
    for _ in range(times):
        made.refused(SHARED, now)
        ask_at = made.next_deadline()
        assert ask_at is not None
        pauses.append(ask_at - now)
        assert made.ask_again(ask_at - 0.01) == []
        assert made.ask_again(ask_at) == [Serve(SHARED)]
        assert made.ask_again(ask_at + 100) == []  # until the next answer
        now = ask_at
    return pauses


def test_a_refused_route_is_asked_for_again_with_longer_and_longer_pauses() -> None:
    made = Serving(TIMING)
    made.want(Mode.HT, link_open=True)
    assert refused_for(made, 4) == [1.0, 2.0, 4.0, 4.0]
    made.served(SHARED)
    assert made.next_deadline() is None
    assert mode_of(made) is Mode.HT


def test_while_the_new_route_is_refused_the_old_one_is_kept() -> None:
    made = serving(Mode.HA)
    made.want(Mode.HT, link_open=True)
    refused_for(made, 2)
    assert made.leave_others() == []
    assert mode_of(made) is Mode.HA


def test_once_another_route_is_wanted_a_refusal_is_of_no_interest() -> None:
    made = serving(Mode.HA)
    made.want(Mode.HT, link_open=True)
    made.refused(SHARED, 100.0)
    made.want(Mode.HA, link_open=True)
    assert made.next_deadline() is None
    made.refused(SHARED, 101.0)  # an answer that was on its way
    assert made.next_deadline() is None
    assert made.ask_again(1000.0) == []


def test_pauses_are_short_again_after_a_success_and_go_on_growing_over_a_lost_link() -> None:
    made = Serving(TIMING)
    made.want(Mode.HT, link_open=True)
    refused_for(made, 1)
    made.refused(SHARED, 100.0)
    made.link_lost()
    assert made.next_deadline() is None
    made.link_opened()
    assert refused_for(made, 1) == [4.0]
    made.served(SHARED)
    made.link_lost()
    made.link_opened()
    assert refused_for(made, 1) == [1.0]


def test_whoever_leaves_asks_for_nothing_more() -> None:
    made = Serving(TIMING)
    made.want(Mode.HT, link_open=True)
    made.refused(SHARED, 100.0)
    made.want(None, link_open=True)
    assert made.next_deadline() is None
    assert made.ask_again(1000.0) == []


class Broker:
    """The broker's side of a link: it handles packets in order, and its answers take a while."""

    def __init__(self, made: Serving) -> None:
        self.heard: set[Route] = set()
        self._serving = made
        self._packets: list[Effect] = []
        self._answers: list[Route] = []

    def send(self, effects: list[Effect]) -> None:
        self._packets += effects

    def handle_one(self) -> bool:
        """Handle a packet; False if there is none."""
        if not self._packets:
            return False
        match self._packets.pop(0):
            case Serve(route):
                self.heard.add(route)
                self._answers.append(route)
            case StopServing(route):
                self.heard.discard(route)
        return True

    def answer_one(self) -> bool:
        """Let an answer arrive; False if there is none."""
        if not self._answers:
            return False
        self._serving.served(self._answers.pop(0))
        return True


@given(st.lists(st.sampled_from(["ha", "ht", "handle", "answer"]), max_size=40))
def test_whatever_the_flips_requests_are_heard_all_the_time(steps: list[str]) -> None:
    made = serving(Mode.HA)
    broker = Broker(made)
    broker.heard.add(EVERYONE)
    wanted = Mode.HA

    def settle() -> None:
        broker.send(made.leave_others())
        assert broker.heard, "a request would reach nobody"

    for step in steps:
        if step == "handle":
            broker.handle_one()
        elif step == "answer":
            broker.answer_one()
        else:
            wanted = Mode(step)
            broker.send(made.want(wanted, link_open=True))
        settle()
    while broker.handle_one() or broker.answer_one():
        settle()
    assert broker.heard == {ROUTES[wanted]}
    assert made.mode is wanted
