"""Tells Home Assistant of an agent, on a link of its own.

Not on the control link: some brokers end a connection over a message that is not allowed, and
whatever Home Assistant is denied must not cost the cluster a device. The link is opened where the
agent has said its presence, and closed with the control link, so that at each broker it speaks for
an agent that is there.

Owns the link. An observer like any: it belongs to the thread that owns the state, which turns at
least twice a second; the bus's threads only put events into a queue. When to say what is the
`Announcer`'s.
"""

import logging
import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName
from edge_agent.home_assistant.announcer import Announcer
from edge_agent.home_assistant.discovery import Discovery
from edge_agent.log_event import LogEvent, Value
from edge_agent.observer import View
from fluid.bus import (
    Bus,
    Closed,
    Confirmed,
    Delivered,
    Link,
    LinkEvent,
    LinkOptions,
    Message,
    Opened,
)
from fluid.messages import AgentState

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


@dataclass(slots=True)
class _Line:
    """A link and its events. asked: topics that the broker has not confirmed, by their token."""

    link: Link
    events: "queue.SimpleQueue[LinkEvent]"
    is_open: bool = False
    asked: dict[int, str] = field(default_factory=dict)


class HomeAssistantObserver:
    """An observer for one agent. buses: to the brokers, as the agent has them. options: of the
    link, for a control link that is opened so. withdraws: see `Announcer`."""

    def __init__(
        self,
        discovery: Discovery,
        buses: Sequence[Bus],
        options: Callable[[do.OpenControl], LinkOptions],
        *,
        withdraws: bool = False,
    ) -> None:
        self._discovery = discovery
        self._buses = tuple(buses)
        self._options = options
        self._withdraws = withdraws
        self._announcer: Announcer | None = None
        self._line: _Line | None = None
        self._control: do.OpenControl | None = None  # what opened the control link
        self._stay: do.OpenControl | None = None  # the same, while a link beside it is wanted
        self._open_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._token = 0
        self._refused: set[str] = set()

    def observe(self, event: Event, effects: Sequence[Effect], now: float) -> None:
        announcer = self._announcer
        if announcer is None:
            announcer = Announcer(self._discovery, withdraws=self._withdraws, now=now)
            self._announcer = announcer
        announcer.observe(event, effects, now)
        self._follow(event, effects, now)
        self._take(announcer, now)
        if self._line is None and self._stay is not None and now >= self._open_at:
            self._line = self._open(self._stay)
        elif self._line is not None and self._line.is_open:
            self._say(announcer.due(now))

    def beat(self, view: View) -> None:
        if self._announcer is not None:
            self._announcer.beat(view)

    def close(self) -> None:
        """Give up the link. What is retained stays."""
        self._stay = None
        if self._line is not None:
            self._line.link.close()
            self._line = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _follow(self, event: Event, effects: Sequence[Effect], now: float) -> None:
        """Be where the control link is, from the moment that the agent has spoken there."""
        if isinstance(event, seen.LinkClosed) and event.link is LinkName.CONTROL:
            self.close()
        for effect in effects:
            match effect:
                case do.OpenControl():
                    self.close()
                    self._control = effect
                case do.PublishPresence(presence) if presence.state is AgentState.OFFLINE:
                    self.close()
                case do.PublishPresence() if self._stay is None:
                    self._stay = self._control
                    self._open_at, self._pause_s = now, _FIRST_PAUSE_S

    def _open(self, stay: do.OpenControl) -> _Line:
        events: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        return _Line(self._buses[stay.broker].open(self._options(stay), events.put), events)

    def _take(self, announcer: Announcer, now: float) -> None:
        """Take in what came on the link."""
        while (line := self._line) is not None and not line.events.empty():
            match line.events.get():
                case Opened():
                    line.is_open = True
                    self._subscribe(line)
                    self._say(announcer.opened(now))
                case Delivered(message):
                    self._say(announcer.heard(message, now))
                case Confirmed() as confirmed:
                    self._confirmed(line, confirmed)
                case Closed() as closed:
                    self._lost(closed, now)

    def _subscribe(self, line: _Line) -> None:
        if not self._withdraws:
            subscription = self._discovery.status_subscription()
            token = self._ask(line, subscription.topic_filter)
            line.link.subscribe([subscription], token=token)

    def _say(self, messages: Sequence[Message]) -> None:
        line = self._line
        if line is None:
            return
        for message in messages:
            # Only what is retained is worth an answer: reports come again and again.
            token = self._ask(line, message.topic) if message.retain else None
            line.link.publish(message, token=token)

    def _ask(self, line: _Line, topic: str) -> int:
        self._token += 1
        line.asked[self._token] = topic
        return self._token

    def _confirmed(self, line: _Line, answer: Confirmed) -> None:
        topic = line.asked.pop(answer.token)
        if answer.accepted:
            self._pause_s = _FIRST_PAUSE_S
            self._refused.discard(topic)
        elif topic not in self._refused:
            self._refused.add(topic)
            message = (
                "the broker does not let this agent use a topic of Home Assistant's; allow it in "
                "its access control list (broker/devices.acl has the lines)"
            )
            _log.warning(LogEvent("home_assistant_refused", {"topic": topic, "message": message}))
        if self._withdraws and not line.asked:
            # All is cleared, or cannot be; on the next control link it is done again.
            self.close()
            self._control = None

    def _lost(self, closed: Closed, now: float) -> None:
        fields: dict[str, Value] = {
            "reason": closed.reason,
            "detail": closed.detail,
            "retry_in_s": self._pause_s,
        }
        _log.warning(LogEvent("home_assistant_lost", fields, limited_by="home_assistant"))
        self._line = None
        self._open_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
