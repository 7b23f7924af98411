"""The page's state: what a browser is told when it opens the page, and what it is told after that.

Owns the documents of the event stream. Pure: messages, views and moments in, JSON-ready values
out. Moments are of one monotonic clock; browsers get them as seconds of the epoch.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fluid.bus.protocol import Message
from fluid.cli.notes import different_bundles
from fluid.cli.status_view import document
from fluid.client import Answer, ClusterSnapshot
from fluid.client.observer import MARKER_PAYLOAD, ClusterView
from fluid.dashboard.happenings import Chronicle, Happening, Kind
from fluid.dashboard.model_facts import ModelFacts
from fluid.dashboard.traffic import Traffic
from fluid.messages.control import Malformed
from fluid.messages.replies import Reply, decode_replies
from fluid.topics import Topics, is_agent_id

_MOST_HAPPENINGS = 200
_MOST_IDS = 4_096
_LONGEST_ID = 128  # our own are far shorter


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a browser has been told of: the last second, and the last number of a happening."""

    second: int
    happening: int


@dataclass(frozen=True, slots=True)
class _Numbered:
    """wall_s: when it happened, as the wall clock had it then."""

    number: int
    wall_s: float
    happening: Happening

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": round(self.wall_s, 3),
            "kind": self.happening.kind,
            "text": self.happening.text,
        }


class Page:
    """Not thread-safe: `Watcher` holds a lock around it.

    epoch_s: the wall clock's time at the beginning of the monotonic clock. The charts stay with it,
    as they show how long ago something was; what happens has the time of `set_wall_clock`.
    """

    def __init__(
        self,
        topics: Topics,
        now_s: float,
        *,
        broker: str,
        epoch_s: float = 0.0,
        facts: ModelFacts | None = None,
    ) -> None:
        self._topics = topics
        self._broker = broker
        self._epoch_s = self._wall_epoch_s = epoch_s
        self._facts = facts
        self._chronicle = Chronicle()
        self._traffic = Traffic(now_s)
        self._happenings: deque[_Numbered] = deque(maxlen=_MOST_HAPPENINGS)
        self._told = 0
        self._view: ClusterView | None = None
        self._trouble = ""
        self._own = _Recent(_MOST_IDS)
        self._heard = _Recent(_MOST_IDS)
        self.unreadable = 0

    # What comes in.

    def set_wall_clock(self, wall_s: float, now_s: float) -> None:
        """What time it is now. A machine that slept, or that asked for the time after its start,
        has another epoch than before."""
        self._wall_epoch_s = wall_s - now_s

    def look(self, view: ClusterView, now_s: float) -> None:
        """The cluster as it is now; also when nothing has changed, as silence takes time."""
        self._trouble = view.trouble
        self._view = view
        self._tell(self._chronicle.look(view, now_s), now_s)
        self.advance(now_s)

    def lost(self, trouble: str, now_s: float) -> None:
        """There is no connection, for this reason."""
        if self._view is not None:
            self.look(ClusterView(self._view.snapshot, trouble), now_s)
            return
        if not self._trouble:
            self._tell([Happening(Kind.BROKER_LOST, f"no broker answers ({trouble})")], now_s)
        self._trouble = trouble
        self.advance(now_s)

    def stumbled(self, trouble: str) -> None:
        """What is shown is of the past, for a reason that is not the broker's."""
        self._trouble = trouble

    def heard(self, message: Message, now_s: float) -> None:
        """Something came on one of the topics that `filters` names, or on another."""
        if message.retain:
            return  # of the past, whenever that was: the broker tells it at each subscription
        if message.topic.startswith(self._topics.adopt("")):
            agent = message.topic.removeprefix(self._topics.adopt(""))
            if is_agent_id(agent):
                self._tell(self._chronicle.adoption(agent, now_s), now_s)
        elif message.topic.startswith(self._topics.result(None)):
            self._answered(message.payload, now_s)

    def asked(self, answer: Answer, now_s: float) -> None:
        """A request of our own has ended. Its answer may have been heard by everybody, and may
        not: that depends on our rights. It counts once."""
        if not answer.replies:
            return
        if answer.id not in self._heard:
            self._own.add(answer.id)
            self._traffic.add(answer.replies, now_s)
        self._traffic.add_own(answer.latency_ms, now_s)

    def advance(self, now_s: float) -> None:
        """Time has passed."""
        self._traffic.advance(now_s, blind=bool(self._trouble) or self._view is None)

    @property
    def filters(self) -> tuple[str, ...]:
        """What is to be listened to besides the cluster's state."""
        return f"{self._topics.result(None)}/#", self._topics.adopt("+")

    # What goes out.

    def everything(self, now_s: float) -> dict[str, Any]:
        """For a browser that knows nothing yet."""
        return {
            **self._cluster(now_s),
            "ticks": self._ticks(None),
            "happenings": self._since(0),
        }

    def news(self, cursor: Cursor, now_s: float) -> dict[str, Any]:
        """For one that has been told everything up to there."""
        return {
            **self._cluster(now_s),
            "ticks": self._ticks(cursor.second),
            "happenings": self._since(cursor.happening),
        }

    @property
    def cursor(self) -> Cursor:
        """Up to where `everything` and `news` tell now."""
        return Cursor(self._traffic.last_second, self._told)

    def _cluster(self, now_s: float) -> dict[str, Any]:
        snapshot = self._view.snapshot if self._view else ClusterSnapshot()
        told = document(snapshot, now_s, trouble=self._trouble)
        for member in told["members"]:
            member["silent"] = member["agent"] in self._chronicle.silent
        state = snapshot.state
        told |= {
            "broker": self._broker,
            "known": self._view is not None,
            "placement": {slot: list(held) for slot, held in state.placement.items()}
            if state
            else {},
            "note": different_bundles(snapshot),
            "answered": self._traffic.answers,
            "failed": self._traffic.errors,
            "unreadable": self.unreadable + snapshot.unreadable,
            "model": self._facts.to_json(told["bundles"]) if self._facts else None,
        }
        return {"at": round(now_s + self._epoch_s, 3), "cluster": told}

    def _ticks(self, second: int | None) -> list[dict[str, Any]]:
        return [tick.to_json(epoch_s=self._epoch_s) for tick in self._traffic.since(second)]

    def _since(self, number: int) -> list[dict[str, Any]]:
        return [each.to_json() for each in self._happenings if each.number > number]

    def _answered(self, payload: bytes, now_s: float) -> None:
        if payload == MARKER_PAYLOAD:
            return  # of somebody who looks at the cluster, as we do
        replies = decode_replies(payload)
        if isinstance(replies, Malformed):
            self.unreadable += 1
            return
        if not self._is_counted(replies):
            self._traffic.add(replies, now_s)

    def _is_counted(self, replies: Sequence[Reply]) -> bool:
        if not replies or replies[0].id in self._own:
            return True
        self._heard.add(replies[0].id)
        return False

    def _tell(self, happenings: Iterable[Happening], now_s: float) -> None:
        for each in happenings:
            self._told += 1
            self._happenings.append(_Numbered(self._told, now_s + self._wall_epoch_s, each))


class _Recent:
    """The last few texts that were added: enough to meet again what has just been there."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._texts: dict[str, None] = {}

    def add(self, text: str) -> None:
        if len(text) > _LONGEST_ID:
            return
        self._texts.pop(text, None)
        self._texts[text] = None
        if len(self._texts) > self._most:
            del self._texts[next(iter(self._texts))]

    def __contains__(self, text: str) -> bool:
        return text in self._texts
