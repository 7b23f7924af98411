"""Ledgers of several devices that hand each other what they compute, without delay or network.

What one says reaches the others in order, unless a test loses it; executors answer at once; the
broker confirms every reply. Time moves only when a test says so.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial as bind

from edge_agent.core.effects import (
    Ack,
    Compute,
    Effect,
    SendDone,
    SendFeatures,
    SendPartials,
    SendReply,
    SendUnheard,
)
from edge_agent.core.events import RequestArrived
from edge_agent.core.ledger import Ledger
from fluid.bundle import Manifest
from fluid.messages import Reply
from tests.unit.edge_agent.cut import cut_team, run
from tests.unit.edge_agent.making import settings


class Exchange:
    """Devices by name. holders: by slot. said: all that they wanted done, in order.

    silent: whose words are lost, and lost: of which kind, whoever says it.
    """

    def __init__(
        self, manifest: Manifest, holders: Mapping[str, Iterable[str]], *, in_flight: int = 64
    ) -> None:
        self.now = 0.0
        self.said: list[tuple[str, Effect]] = []
        self.replies: list[tuple[str, Reply]] = []
        self.silent: set[str] = set()
        self.lost: type[Effect] | None = None
        self.images = 1
        self._manifest = manifest
        names = sorted({agent for agents in holders.values() for agent in agents})
        self._in_flight = in_flight
        self.ledgers = {name: self._ledger(name) for name in names}
        self._todo: deque[Callable[[], None]] = deque()
        self.place(holders)

    def place(self, holders: Mapping[str, Iterable[str]], **more: Iterable[str]) -> None:
        """All that are still there see this placement; members=...: who of them hears requests."""
        there = {agent for agents in holders.values() for agent in agents}
        for name in list(self.ledgers):
            if name not in there:
                del self.ledgers[name]
        for name, ledger in self.ledgers.items():
            team = cut_team(name, self._manifest, holders, **more)
            self.do(name, ledger.team_changed(team, self.now))
        self.settle()

    def add(self, name: str, holders: Mapping[str, Iterable[str]]) -> None:
        """A device comes that has none of the requests so far."""
        self.ledgers[name] = self._ledger(name)
        self.place(holders)

    def _ledger(self, name: str) -> Ledger:
        return Ledger(settings(name, manifest=self._manifest, in_flight=self._in_flight))

    def heal(self) -> None:
        """Nothing is lost any more."""
        self.silent, self.lost = set(), None

    def arrive(self, event: RequestArrived, *names: str) -> None:
        """A request reaches these devices (by default all), one after the other."""
        for name in names or list(self.ledgers):
            self.do(name, self.ledgers[name].arrived(event, self.now))
        self.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass, from deadline to deadline."""
        end = self.now + seconds
        while True:
            due = [each.next_deadline() for each in self.ledgers.values()]
            at = min((each for each in due if each is not None), default=end)
            self.now = max(self.now, min(at, end, self.now + 0.1))
            for name, ledger in self.ledgers.items():
                self.do(name, ledger.expire(self.now))
            self.settle()
            if self.now >= end:
                return

    def settle(self) -> None:
        while self._todo:
            self._todo.popleft()()

    def of(self, kind: type[Effect]) -> list[tuple[str, Effect]]:
        """Who wanted what of one kind done."""
        return [(name, effect) for name, effect in self.said if isinstance(effect, kind)]

    @property
    def held(self) -> int:
        """How many requests are held, by all."""
        return sum(map(len, self.ledgers.values()))

    @property
    def acknowledged(self) -> int:
        return len(self.of(Ack))

    def do(self, name: str, effects: Iterable[Effect]) -> None:
        """A device wants this done; `settle` does it."""
        for effect in effects:
            self.said.append((name, effect))
            self._todo.append(bind(self._carry_out, name, effect))

    def _carry_out(self, name: str, effect: Effect) -> None:
        match effect:
            case Compute():
                if name in self.ledgers:
                    outcome = run(self._manifest, effect, images=self.images)
                    self.do(name, self.ledgers[name].computed(outcome, self.now))
            case SendReply(replies=replies, token=token):
                self.replies += [(name, reply) for reply in replies]
                confirmed = self.ledgers[name].confirmed(token, self.now, accepted=True)
                self.do(name, confirmed)
            case SendFeatures(to) | SendPartials(to):
                self._hear(name, effect, to)
            case SendDone() | SendUnheard():
                for to in list(self.ledgers):
                    if to != name:
                        self._hear(name, effect, to)
            case _:
                pass

    def _hear(self, name: str, effect: Effect, to: str) -> None:
        is_lost = name in self.silent or type(effect) is self.lost
        if is_lost or to not in self.ledgers:
            return
        ledger, effects = self.ledgers[to], list[Effect]()
        match effect:
            case SendFeatures(features=features):
                for feature in features:
                    effects += ledger.feature(feature, self.now)
            case SendPartials(partials=partials):
                for partial in partials:
                    effects += ledger.partial(partial, self.now)
            case SendDone(notice):
                effects += ledger.done(notice, self.now)
            case SendUnheard(notice):
                effects += ledger.unheard(notice, self.now)
            case _:
                pass
        self.do(to, effects)
