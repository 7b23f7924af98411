"""All requests that this device holds: how they come in, when they are due, and how they leave.

Owns every unacknowledged request. It decides nothing about them: `progress.py` does.
"""

from collections.abc import Iterator
from itertools import count

from edge_agent.core.effects import Ack, Effect
from edge_agent.core.events import RequestArrived, Route
from edge_agent.core.held import Deadlines, Held
from edge_agent.core.memory import Memory


class Holdings:
    """Held requests by key, their deadlines, and what is remembered of those that left.

    last_arrival: when a request last came that was new here. deliveries: how much of the broker's
    window is taken up.
    """

    def __init__(self, memory: Memory) -> None:
        self._held: dict[bytes, Held] = {}
        self._tokens = count(1)
        self._by_token: dict[int, bytes] = {}
        self.last_arrival = 0.0
        self.deliveries = 0
        self.deadlines = Deadlines()
        self.memory = memory

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        """All of them, as they are now: they may leave meanwhile."""
        return iter(list(self._held.values()))

    def get(self, key: bytes) -> Held | None:
        return self._held.get(key)

    def take_in(self, event: RequestArrived, now: float, *, members: tuple[str, ...]) -> Held:
        """Hold a request that is new here."""
        self.last_arrival = now
        together = event.route is Route.EVERYONE
        held = Held(event.request, now, together, members)
        held.fault = event.request.fault
        self.add(held, event)
        self.deadlines.give_time(held, now)
        self._held[event.request.key] = held
        return held

    def add(self, held: Held, event: RequestArrived) -> None:
        """One more delivery of it."""
        held.deliveries.setdefault(event.route, []).append(event.ack_id)
        self.deliveries += 1

    def answering(self, held: Held) -> int:
        """Our reply to a request is on its way; returns the token to know its confirmation by."""
        held.deadline = None
        held.token = next(self._tokens)
        self._by_token[held.token] = held.request.key
        return held.token

    def take_answered(self, token: int) -> Held | None:
        """The broker has our reply: whose it was, if that is held still."""
        key = self._by_token.pop(token, None)
        held = self.get(key) if key is not None else None
        if held is None or held.token != token:
            return None
        held.token = None
        return held

    def let_go(self, held: Held, route: Route, now: float) -> list[Effect]:
        """Acknowledge one delivery that came by a route; the rest wants the same answer again.

        Of a unique request there is no rest: its other deliveries are copies.
        """
        key = held.request.key
        if route is Route.EVERYONE:
            self.memory.answered_together(key, now, unique=held.request.unique)
        effects: list[Effect] = []
        for other in list(held.deliveries) if held.request.unique else [route]:
            effects.append(Ack(held.deliveries[other].pop(0)))
            self.deliveries -= 1
            if not held.deliveries[other]:
                del held.deliveries[other]
        held.deadline = held.combiner = None
        if held.deliveries:
            held.together = held.heard_by_all
            # When each of equal requests came is not kept: the time of the next starts now.
            self.deadlines.give_time(held, now)
        else:
            del self._held[key]
            self.deadlines.tidy(self._held.values())
        return effects

    def clear(self) -> None:
        """The broker will send all of them again."""
        self.deliveries = 0
        self._held.clear()
        self._by_token.clear()
        self.deadlines.clear()
