"""Watching a cluster: one connection that is kept, and what was heard on it.

`Observation` is pure: messages and moments in, views out. `ClusterObserver` is the thin shell with
the link, its queue of events and the clock; when the broker goes away it connects again.
"""

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from fluid.bus.protocol import (
    Bus,
    Closed,
    Confirmed,
    Delivered,
    LinkOptions,
    Message,
    Opened,
    Subscription,
)
from fluid.client.cluster import ClusterSnapshot, SnapshotCollector
from fluid.client.connecting import broker_error, new_client_id, own_topic
from fluid.client.line import FromLink, Line
from fluid.errors import BrokerRefused, BrokerUnreachable
from fluid.messages.control import ClusterState, Presence
from fluid.topics import Topics

_SUBSCRIBED, _ALSO = 1, 2  # tokens
_QUIET_S = 0.2
MARKER_PAYLOAD = b"marker"


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What is known of a cluster at one moment.

    trouble: why the broker cannot be heard just now, so that `snapshot` is of the past; "" while
    it can.
    """

    snapshot: ClusterSnapshot
    trouble: str = ""

    @property
    def gist(self) -> "_Gist":
        """What makes it another view than the one before: neither how loaded the devices are, nor
        how much came that cannot be read."""
        snapshot = self.snapshot
        heard = frozenset(snapshot.heartbeats)
        return (snapshot.presences, snapshot.state, heard, self.trouble)


_Gist = tuple[tuple[Presence, ...], ClusterState | None, frozenset[str], str]


class Observation:
    """Puts views together over many connections. marker: the topic of our own that comes back
    after what is retained; `quiet_s` has to pass too, as some brokers keep no order."""

    def __init__(self, topics: Topics, marker: str, *, quiet_s: float = _QUIET_S) -> None:
        self._topics = topics
        self._marker = marker
        self._quiet_s = quiet_s
        self._collector = SnapshotCollector(topics)
        self._shown: SnapshotCollector | None = None
        self._trouble = ""
        self._quiet_at_s: float | None = None

    @property
    def quiet_at_s(self) -> float | None:
        """When everything retained will have come; None if that is not known, or has been."""
        return self._quiet_at_s

    def opened(self) -> None:
        """A connection is open: what is retained comes afresh, and what was cleared does not."""
        self._collector = SnapshotCollector(self._topics)
        self._quiet_at_s = None

    def lost(self, trouble: str) -> None:
        """There is no connection; until all is known again, views are of the past."""
        self._trouble = trouble
        self._quiet_at_s = None

    def add(self, message: Message, now_s: float) -> None:
        """Take in a message that came at this moment."""
        self._collector.add(message, at_s=now_s)
        if message.topic == self._marker or (message.retain and self._quiet_at_s is not None):
            self._quiet_at_s = now_s + self._quiet_s

    def view(self, now_s: float) -> ClusterView | None:
        """What is known; None while nothing whole is known yet."""
        if self._quiet_at_s is not None and now_s >= self._quiet_at_s:
            self._shown, self._trouble, self._quiet_at_s = self._collector, "", None
        return None if self._shown is None else ClusterView(self._shown.snapshot, self._trouble)


class ClusterObserver:
    """Keeps a view of a cluster up to date while it is used in `with`. For one thread.

    buses: to the brokers, in order of preference. It goes where the cluster goes: from a broker
    that is lost, or where no agent is, to the next, and back to one that is preferred. All know us
    by one name.
    timeout_s: how long the first view may take. also: further topic filters; what comes there is
    given to `heard`, with the moment when it came, in the thread that waits. Where the broker does
    not let us read those, nothing comes.
    """

    def __init__(
        self,
        buses: Bus | Sequence[Bus],
        topics: Topics,
        *,
        timeout_s: float = 5.0,
        also: Sequence[str] = (),
        heard: Callable[[Message, float], None] | None = None,
    ) -> None:
        buses = tuple(buses) if isinstance(buses, Sequence) else (buses,)
        client_id = new_client_id()
        self._topics = topics
        self._marker = own_topic(topics, buses[0], client_id)
        self._observation = Observation(topics, self._marker)
        self._events: queue.SimpleQueue[FromLink] = queue.SimpleQueue()
        self._line = Line(
            buses,
            [str(bus) for bus in buses],
            options=LinkOptions(client_id),
            connect_timeout_s=timeout_s,
            post=self._events.put,
        )
        self._timeout_s = timeout_s
        self._also = tuple(also)
        self._heard = heard
        self._first_by_s = 0.0
        self._told: _Gist | None = None

    def __enter__(self) -> Self:
        now_s = time.monotonic()
        self._first_by_s = now_s + self._timeout_s
        self._line.open(now_s)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._line.close()

    def wait(self, timeout_s: float) -> ClusterView:
        """The next view that differs from the last by more than load, or after `timeout_s` the
        one that there is.

        Raises `BrokerError` if no broker can be used at first, and at any time if each refuses
        us. Once there was a view, a broker that is gone is waited for.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            now_s = time.monotonic()
            view = self._observation.view(now_s)
            if view is None and now_s >= self._first_by_s:
                raise BrokerUnreachable(f"the broker did not answer within {self._timeout_s:g} s")
            if view is not None:
                self._look_for_agents(view, now_s)
            if view is not None and (view.gist != self._told or now_s >= until_s):
                self._told = view.gist
                return view
            self._take(until_s if view is not None else self._first_by_s)

    def _look_for_agents(self, view: ClusterView, now_s: float) -> None:
        if view.snapshot.online:
            self._line.served()
        elif not view.trouble:
            self._line.unserved(now_s)

    def _take(self, until_s: float) -> None:
        """Take in the next event, if one comes until then."""
        if self._line.tick(time.monotonic()):
            self._observation.lost(f"going to {self._line.name}")
        moments = (until_s, self._line.next_deadline(), self._observation.quiet_at_s)
        wake_at_s = min(moment for moment in moments if moment is not None)
        try:
            item = self._events.get(timeout=max(0.0, wake_at_s - time.monotonic()))
        except queue.Empty:
            return
        now_s = time.monotonic()
        match self._line.take(item):
            case Opened():
                self._observation.opened()
                self._subscribe()
            case Confirmed() as confirmed:
                self._confirmed(confirmed, now_s)
            case Delivered(message):
                self._observation.add(message, now_s)
                if self._heard is not None and message.topic != self._marker:
                    self._heard(message, now_s)
            case Closed() as closed:
                self._closed(closed, now_s)

    def _subscribe(self) -> None:
        topics = self._topics
        filters = (topics.presence_all, topics.cluster, topics.heartbeat_all, self._marker)
        if self._line.link is not None:
            subscriptions = [Subscription(each, qos=1) for each in filters]
            self._line.link.subscribe(subscriptions, token=_SUBSCRIBED)

    def _confirmed(self, event: Confirmed, now_s: float) -> None:
        if event.token == _ALSO:
            return
        if not event.accepted:
            raise BrokerRefused("the broker does not let us read the cluster's topics")
        self._line.opened(now_s)
        if self._line.link is not None:
            self._line.link.publish(Message(self._marker, MARKER_PAYLOAD, qos=1))
            if self._also:
                # At QoS 0: whoever only watches must not make the broker keep anything for it.
                self._line.link.subscribe(
                    [Subscription(each, qos=0) for each in self._also], token=_ALSO
                )

    def _closed(self, event: Closed, now_s: float) -> None:
        self._line.closed(event, now_s)
        error = broker_error(self._line.failure, broker="the broker")
        fails_to_start = self._observation.view(now_s) is None and not self._line.has_others
        if fails_to_start or self._line.is_hopeless:
            raise error
        self._observation.lost(str(error))
