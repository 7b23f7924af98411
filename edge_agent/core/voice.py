"""What we say of ourselves: our presence, and whether it has been said on this connection."""

from dataclasses import replace
from typing import Any

from edge_agent.core.cluster import Cluster
from edge_agent.core.identity import Identity
from edge_agent.core.serving import Serving
from edge_agent.core.settings import Settings
from fluid.messages import AgentState, Presence


class Voice:
    """Our presence as it is now, and as it was last published. edition: the bundle in force."""

    def __init__(
        self, settings: Settings, identity: Identity, *, cluster: Cluster, serving: Serving
    ) -> None:
        self.edition = settings.edition
        self._settings = settings
        self._identity = identity
        self._leadership = cluster.leadership
        self._word = cluster.word
        self._serving = serving
        self._said: Presence | None = None
        self._made: tuple[tuple[Any, ...], Presence] | None = None

    @property
    def was_heard(self) -> bool:
        """Whether the others know of us, as far as this connection goes."""
        return self._said is not None

    def presence(self) -> Presence:
        """What is true of us now; the same object as long as nothing has changed."""
        changing = (
            self._identity.incarnation,
            self.edition.digest,
            self._serving.mode,
            self._leadership.highest_term,
            self._leadership.leader_of_highest_term,
            self._word.unheeded,
        )
        # Asked several times at each heartbeat of anybody.
        if self._made is None or self._made[0] != changing:
            self._made = (changing, self._make())
        return self._made[1]

    def _make(self) -> Presence:
        settings, edition = self._settings, self.edition
        return Presence(
            agent=settings.agent,
            state=AgentState.ONLINE,
            role=settings.role,
            priority=settings.role.priority,
            incarnation=self._identity.incarnation,
            bundle=edition.digest,
            serving=self._serving.mode,
            max_slots=settings.max_slots,
            vote=settings.vote,
            interpreter=settings.interpreter,
            term=self._leadership.highest_term,
            leader=self._leadership.leader_of_highest_term,
            slots=edition.manifest.slots,
            pins=settings.pins,
            capacity=settings.capacity,
            in_flight=settings.in_flight,
            unheeded=self._word.unheeded,
        )

    def farewell(self) -> Presence:
        """The last will, and what is said at a leave."""
        return replace(self.presence(), state=AgentState.OFFLINE, serving=None)

    def news(self) -> Presence | None:
        """What is to be said because it is not what was said last."""
        presence = self.presence()
        return None if presence == self._said else presence

    def spoken(self, presence: Presence) -> None:
        self._said = presence

    def hush(self) -> None:
        """What we said is not there any more: it has to be said again."""
        self._said = None
