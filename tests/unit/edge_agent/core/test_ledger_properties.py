"""Several ledgers and a network that delays and reorders as it likes, but loses nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_agent.core.effects import Ack, Compute, Effect, SendDone, SendPartials, SendReply
from edge_agent.core.events import Route
from edge_agent.core.ledger import Ledger
from fluid.messages import Mode, Partial
from tests.unit.edge_agent import making
from tests.unit.edge_agent.making import arrival, as_result, computed

_PATIENCE_S = 120.0


@dataclass
class Group:
    """Devices, each holding a slot, and everything that is on its way between them."""

    agents: str
    now: float = 0.0
    on_its_way: list[Callable[[], None]] = field(default_factory=list)
    published: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[int] = field(default_factory=Counter)
    replies: list[SendReply] = field(default_factory=list)
    ack_ids: int = 0

    def __post_init__(self) -> None:
        holders = {"lower": list(self.agents[0::2]), "upper": list(self.agents[1::2])}
        self.ledgers = {agent: Ledger(making.settings(agent)) for agent in self.agents}
        for agent, ledger in self.ledgers.items():
            ledger.team_changed(making.team(agent, holders), self.now)

    def publish(self, name: str, *, to_all: bool = False, to: str = "") -> None:
        """To every device, or to one by the shared route; by both while the mode changes."""
        self.published[name] += 1
        if to_all:
            for agent in self.agents:
                self._deliver(name, agent, Route.EVERYONE)
        if to:
            self._deliver(name, to, Route.SHARED)

    def _deliver(self, name: str, agent: str, route: Route) -> None:
        self.ack_ids += 1
        event = arrival(name, ack_id=self.ack_ids, route=route)
        self.later(agent, lambda ledger: ledger.arrived(event, self.now))

    def later(self, agent: str, step: Callable[[Ledger], list[Effect]]) -> None:
        self.on_its_way.append(partial(self._run, agent, step))

    def happen(self, index: int) -> None:
        """One of the things that are on their way arrives."""
        if self.on_its_way:
            self.on_its_way.pop(index % len(self.on_its_way))()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for agent in self.agents:
            self._run(agent, lambda ledger: ledger.expire(self.now))

    def settle(self) -> None:
        """Everything arrives, and time passes."""
        end = self.now + _PATIENCE_S
        while self.now < end and (self.on_its_way or any(map(len, self.ledgers.values()))):
            while self.on_its_way:
                self.happen(0)
            self.pass_time(0.25)

    def _hand_over(self, to: str, share: Partial) -> None:
        self.later(to, lambda ledger: ledger.partial(share, self.now))

    def _run(self, agent: str, step: Callable[[Ledger], list[Effect]]) -> None:
        for effect in step(self.ledgers[agent]):
            self._perform(agent, effect)

    def _perform(self, agent: str, effect: Effect) -> None:
        match effect:
            case Compute(request, stages):
                event = computed(request.id, *stages)
                self.later(agent, lambda ledger: ledger.computed(event, self.now))
            case SendPartials(to, partials):
                for share in partials:
                    self._hand_over(to, share)
            case SendDone(notice):
                for other in self.agents.replace(agent, ""):  # subscribed with "no local"
                    self.later(other, lambda ledger: ledger.done(notice, self.now))
            case SendReply(token=token):
                self.replies.append(effect)
                self.later(agent, lambda ledger: ledger.confirmed(token, self.now, accepted=True))
            case Ack(ack_id):
                self.acknowledged[ack_id] += 1


def moment(what: str, names: str, most: int) -> st.SearchStrategy[tuple[str, str, int]]:
    return st.tuples(st.just(what), st.sampled_from(names), st.integers(0, most))


# Few names, so that there are equal requests; each kind has its own, so that they can be counted.
stories = st.lists(
    st.one_of(
        moment("all", "123", 0),
        moment("one", "456", 3),
        moment("both", "789", 3),
        moment("happen", "-", 50),
        moment("time", "-", 30),
    ),
    max_size=60,
)


def play(agents: str, story: list[tuple[str, str, int]]) -> Group:
    group = Group(agents)
    for what, name, number in story:
        if what == "happen":
            group.happen(number)
        elif what == "time":
            group.pass_time(number / 10)
        else:
            one = agents[number % len(agents)]
            group.publish(name, to_all=what != "one", to="" if what == "all" else one)
    group.settle()
    return group


# Two devices out of step: each has given the other up, who is there all the same.
@example(
    agents="abc",
    story=[
        *[("one", "4", 0), ("both", "7", 0), ("all", "3", 0), ("both", "7", 0), ("both", "7", 0)],
        *[("happen", "-", 7), ("one", "4", 0), ("happen", "-", 43), ("one", "4", 0)],
        *[("happen", "-", 32), ("happen", "-", 15), ("time", "-", 20)],
    ],
)
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["a", "ab", "abc", "abcd"]), stories)
def test_whatever_the_order_each_request_is_answered_and_each_delivery_acknowledged_once(
    agents: str, story: list[tuple[str, str, int]]
) -> None:
    group = play(agents, story)
    assert all(len(ledger) == 0 for ledger in group.ledgers.values())
    assert group.acknowledged == Counter(range(1, group.ack_ids + 1))
    answers = Counter(reply.request.id for reply in group.replies)
    assert answers >= group.published
    assert answers.keys() == group.published.keys()
    for reply in group.replies:
        (result,) = map(as_result, reply.replies)
        assert result.id == reply.request.id
        if len(agents) > 1 and result.mode is Mode.HA and not result.degraded:
            assert result.subnetwork == "100"


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["a", "ab", "abc", "abcd"]),
    st.lists(st.sampled_from("123"), min_size=1, max_size=6),
    st.lists(st.integers(0, 50), max_size=200),
)
def test_a_network_that_is_quick_enough_gets_each_request_one_whole_answer(
    agents: str, published: list[str], order: list[int]
) -> None:
    group = Group(agents)
    for name in published:
        group.publish(name, to_all=True)
    for index in order:
        group.happen(index)
    while group.on_its_way:
        group.happen(0)
    assert all(len(ledger) == 0 for ledger in group.ledgers.values())
    assert Counter(reply.request.id for reply in group.replies) == Counter(published)
    whole = "lower50" if agents == "a" else "100"
    for reply in group.replies:
        (result,) = map(as_result, reply.replies)
        assert (result.subnetwork, result.degraded) == (whole, False)
