"""Which route this device hears, and how it moves from one to the other.

The new route is subscribed before the old one is left: a request may then come twice, never not
at all. What is said about it in our presence is never ahead of the truth: others count on the
share of a device for requests to everyone only while its presence says that it hears them.

A route that the broker refuses is asked for again, with longer and longer pauses.
"""

from edge_agent.core.effects import Effect, Serve, StopServing
from edge_agent.core.events import Route
from edge_agent.core.settings import Timing
from fluid.messages import Mode

ROUTES = {Mode.HA: Route.EVERYONE, Mode.HT: Route.SHARED}
_MODES = {route: mode for mode, route in ROUTES.items()}


class Serving:
    """The subscriptions of the inference link."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._wanted: Route | None = None
        self._confirmed: set[Route] = set()
        self._pause_s = timing.resubscribe_first_s
        self._ask_at: float | None = None

    @property
    def mode(self) -> Mode | None:
        """The mode whose requests this device hears now; None while it hears none."""
        if self._wanted in self._confirmed:
            return _MODES[self._wanted] if self._wanted else None
        # On the way from one route to the other, the old one still stands.
        return next((_MODES[route] for route in self._confirmed), None)

    def link_lost(self) -> None:
        self._confirmed.clear()
        self._ask_at = None

    def link_opened(self) -> list[Effect]:
        """Take up the wanted route; the resumed session may hold another from its past."""
        leftovers: list[Effect] = [StopServing(route) for route in Route if route != self._wanted]
        return [*([Serve(self._wanted)] if self._wanted else []), *leftovers]

    def want(self, mode: Mode | None, *, link_open: bool) -> list[Effect]:
        """Move to another mode's route; None leaves all."""
        wanted = None if mode is None else ROUTES[mode]
        if wanted is self._wanted:
            return []
        self._wanted = wanted
        self._forget_refusal()
        if not link_open:
            return []
        if wanted is None:
            return self._leave_others()
        return [] if wanted in self._confirmed else [Serve(wanted)]

    def served(self, route: Route) -> None:
        self._confirmed.add(route)
        if route is self._wanted:
            self._forget_refusal()

    def refused(self, route: Route, now: float) -> None:
        """Whatever the refusal is about may be put right while we run."""
        if route is self._wanted:
            self._ask_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, self._timing.resubscribe_most_s)

    def ask_again(self, now: float) -> list[Effect]:
        """Subscribe the wanted route once more, if it was refused and the pause is over."""
        if self._wanted is None or self._ask_at is None or now < self._ask_at:
            return []
        self._ask_at = None
        return [Serve(self._wanted)]

    def next_deadline(self) -> float | None:
        """When a refused route is to be asked for again."""
        return self._ask_at

    def leave_others(self) -> list[Effect]:
        """Once the wanted route stands, or none is wanted, leave the rest."""
        stands = self._wanted is None or self._wanted in self._confirmed
        return self._leave_others() if stands else []

    def _forget_refusal(self) -> None:
        self._pause_s = self._timing.resubscribe_first_s
        self._ask_at = None

    def _leave_others(self) -> list[Effect]:
        others = self._confirmed - {self._wanted}
        self._confirmed -= others
        return [StopServing(route) for route in sorted(others, key=lambda route: route.value)]
