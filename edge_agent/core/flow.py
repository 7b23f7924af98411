"""How far one request is on its way through stages that read each other.

Owns what is known of it; what follows from that is decided in `relay.py`.
"""

from dataclasses import dataclass, field

from edge_agent.core.events import FeatureMap
from edge_agent.core.graph import Part
from edge_agent.core.team import Team


@dataclass(slots=True)
class Flow:
    """Its feature maps on this device, and what has been said about them.

    part: what we do for it; None: nobody can run it. part_of: what that was found out of: the team,
    who had heard it, and whether it is answered together. maps: by name, whoever computed them.
    compute_ms: what our own stages took so far. told: which agent was handed which map. said: the
    maps that anybody was handed. answered_at: when an agent that handed us what we have was last
    handed ours for it. awaits, since: whose maps we wait for, and since when; nobody's,
    while no sub-network can be run; since is None while we wait for nothing. joined_at: when an
    equal request came that others were taken to have, though not those before it. unshared: how
    many of its deliveries those that it cannot do without never had, as they said or as far as we
    know.
    """

    part: Part | None = None
    part_of: tuple[Team, tuple[str, ...], bool] | None = None
    maps: dict[str, FeatureMap] = field(default_factory=dict)
    compute_ms: float = 0.0
    told: set[tuple[str, str]] = field(default_factory=set)
    said: set[str] = field(default_factory=set)
    answered_at: dict[str, float] = field(default_factory=dict)
    awaits: tuple[str, ...] = ()
    since: float | None = None
    joined_at: float | None = None
    unshared: int = 0

    @property
    def images(self) -> int | None:
        """Of how many images its maps are; None while there is none."""
        return next((len(values) for values in self.maps.values()), None)

    def drop_misfits(self, images: int) -> None:
        """Forget maps of another number of images: they came before we knew it."""
        self.maps = {name: values for name, values in self.maps.items() if len(values) == images}

    def waits_for(self, agents: tuple[str, ...], now: float) -> bool:
        """Note whose maps we wait for; whether that is news."""
        if self.since is not None and self.awaits == agents:
            return False
        self.awaits, self.since = agents, now
        return True

    def waited_s(self, now: float) -> float:
        """For how long we have waited for the same."""
        return 0.0 if self.since is None else now - self.since

    def goes_on(self) -> None:
        """Nobody has to be waited for any more."""
        self.since = None

    def team_changed(self, team: Team) -> None:
        """Who went and comes back may have lost what we handed over."""
        self.told = {each for each in self.told if team.is_there(each[0])}

    def link_opened(self) -> None:
        """What we handed over on the former link may not have arrived."""
        self.told.clear()
