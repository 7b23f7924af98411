"""Where to connect and when: the two links, their broker and their pauses.

The control link decides which broker the agent is at. The inference link follows it: what it
brings is answered together with those that the control link talks to.
"""

from dataclasses import dataclass
from enum import Enum, auto

from edge_agent.core.effects import Note
from edge_agent.core.events import LinkClosed, LinkName
from edge_agent.core.settings import Timing
from fluid.bus import BrokerRota, CloseReason, Pace


class LinkState(Enum):
    CLOSED = auto()
    OPENING = auto()
    OPEN = auto()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a link ended, and what follows.

    note: for the log. hopeless: why no broker will ever have us, "" while one may. unwelcome:
    this broker refuses the inference link, and there are others.
    """

    note: Note
    hopeless: str = ""
    unwelcome: bool = False


@dataclass(slots=True)
class _Connection:
    rota: BrokerRota
    state: LinkState = LinkState.CLOSED
    reopen_at: float | None = None
    was_open: bool = False


class Links:
    """The state of both links."""

    def __init__(self, timing: Timing, brokers: int = 1) -> None:
        pace = Pace(timing.reconnect_first_s, timing.reconnect_most_s, timing.probe_s)
        self._rota = BrokerRota(brokers, pace)
        self._brokers = brokers
        self._connections = {
            LinkName.CONTROL: _Connection(self._rota),
            LinkName.INFER: _Connection(BrokerRota(1, pace)),
        }
        self._refusals: dict[int, str] = {}
        self._last_control_end = ""
        self.home: int | None = None

    @property
    def broker(self) -> int:
        """The index of the broker to be at, in the order of preference."""
        return self._rota.index

    @property
    def is_elsewhere(self) -> bool:
        """Whether the control link is at another broker than before."""
        return self.home is not None and self.home != self.broker

    def is_open(self, link: LinkName) -> bool:
        return self._connections[link].state is LinkState.OPEN

    def due(self, link: LinkName, now: float) -> bool:
        """Whether to open it now."""
        connection = self._connections[link]
        if link is LinkName.INFER and self._brokers > 1 and not self.is_open(LinkName.CONTROL):
            return False  # where it belongs is about to be found out
        return connection.state is LinkState.CLOSED and now >= (connection.reopen_at or 0.0)

    def opening(self, link: LinkName) -> None:
        self._connections[link].state = LinkState.OPENING

    def opened(self, link: LinkName, now: float) -> list[Note]:
        """Note that it is open; returns lines for the log."""
        notes = [Note("link_opened", {"link": link, **self._at(self.broker)})]
        if link is LinkName.CONTROL and self.is_elsewhere:
            fields: dict[str, str | int | float] = {"reason": self._last_control_end}
            notes.append(Note("broker_changed", {**self._at(self.broker), **fields}, problem=True))
        connection = self._connections[link]
        connection.state = LinkState.OPEN
        connection.was_open = True
        connection.rota.opened(now)
        if link is LinkName.CONTROL:
            self.home = self.broker
            self._refusals.pop(self.broker, None)
        else:
            self._rota.useful()
        return notes

    def closed(self, event: LinkClosed, now: float) -> Ending:
        """Note the end of a connection, and choose the broker for the next."""
        broker = self.broker
        connection = self._connections[event.link]
        connection.state = LinkState.CLOSED
        pause_s = connection.rota.closed(now, by_us=event.reason is CloseReason.REQUESTED)
        connection.reopen_at = now + pause_s
        if event.link is LinkName.CONTROL and event.reason is not CloseReason.REQUESTED:
            self._last_control_end = event.detail or event.reason
        note = self._note(event, broker, pause_s)
        if event.reason is not CloseReason.REFUSED:
            return Ending(note)
        unwelcome = event.link is LinkName.INFER and self._brokers > 1
        return Ending(note, self._hopeless(event, broker), unwelcome)

    def dropped(self, link: LinkName) -> None:
        """It is given up together with its broker, and may be opened at the next at once."""
        connection = self._connections[link]
        connection.state = LinkState.CLOSED
        connection.reopen_at = None

    def move_to(self, broker: int) -> None:
        """Be at this broker from now on. Both links are to be dropped with it."""
        self._rota.move_to(broker)
        self.home = None

    def forsake(self) -> None:
        """This broker is of no use: be at the next. Both links are to be dropped with it."""
        self._rota.forsake()
        self.home = None

    # A look at the brokers that are preferred to the one we are at.

    def take_due_probes(self, now: float) -> tuple[int, ...]:
        return self._rota.take_due_probes(now)

    def probed(self, broker: int, *, answered: bool) -> int | None:
        """Returns the broker to return to, if there is one now."""
        self._rota.probed(broker, answered=answered)
        return self._rota.preferred

    def next_deadline(self, now: float) -> float | None:
        """When the next closed link may be opened, or a broker is to be probed."""
        times = [
            connection.reopen_at
            for connection in self._connections.values()
            if connection.state is LinkState.CLOSED
            and connection.reopen_at is not None
            and connection.reopen_at > now
        ]
        if (probe_at := self._rota.next_probe_at()) is not None and probe_at > now:
            times.append(probe_at)
        return min(times, default=None)

    def _note(self, event: LinkClosed, broker: int, pause_s: float) -> Note:
        fields: dict[str, str | int | float] = {
            "link": event.link,
            **self._at(broker),
            "reason": event.reason,
            "detail": event.detail,
            "retry_in_s": pause_s,
        }
        if self.broker != broker:
            fields["next_broker"] = self.broker
        return Note("link_closed", fields, problem=True)

    def _at(self, broker: int) -> dict[str, int]:
        """For a note: which broker it was at, where there are several."""
        return {"broker": broker} if self._brokers > 1 else {}

    def _hopeless(self, refusal: LinkClosed, broker: int) -> str:
        """Before a link was open for the first time, a refusal is a mistake in the set-up; where
        every broker refuses, it cannot be waited out."""
        self._refusals[broker] = refusal.detail or refusal.reason
        was_open = self._connections[refusal.link].was_open
        if was_open or len(self._refusals) < self._brokers:
            return ""
        return "; ".join(self._refusals[each] for each in sorted(self._refusals))
