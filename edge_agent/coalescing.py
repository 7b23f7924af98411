"""Fewer messages under load: shares for one device travel together, and so do feature maps and done
notices.

Pure: from the effects of several steps to the same with fewer messages. It waits for nothing; only
what is to be done at the same time anyway is merged.

Shares, maps and notices move behind what they are merged past, up to the end of the effects or the
next one that is of the cluster or of a link and not of a request. So nothing leaves its connection
or overtakes a change of presence, and a reply goes out before the notice that speaks of it. All
other effects keep their order.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from edge_agent.core.effects import (
    Ack,
    Compute,
    Effect,
    Note,
    SendDone,
    SendFeatures,
    SendPartials,
    SendReply,
    SendUnheard,
)
from fluid.messages import KEY_BYTES, Done, Feature, Partial

# Of a merged message. What was one larger message before stays one.
MOST_BYTES = 64 * 1024
# Of a record: above its head and its sender's id.
_RECORD_HEAD_BYTES = 128

_MERGED = {SendPartials, SendFeatures, SendDone}
_Record = TypeVar("_Record", Partial, Feature)


def coalesce(effects: Sequence[Effect]) -> list[Effect]:
    """The effects with partials to one device in one message, maps to it in one, and done notices
    in one."""
    if _MERGED.isdisjoint(map(type, effects)):
        return list(effects)
    out: list[Effect] = []
    waiting = _Waiting()
    for effect in effects:
        match effect:
            case SendPartials(to, partials):
                out += waiting.partials.add(to, partials)
            case SendFeatures(to, features):
                out += waiting.features.add(to, features)
            case SendDone():
                out += waiting.add_done(effect)
            case SendReply() | Ack() | Compute() | SendUnheard() | Note():
                out.append(effect)
            case _:
                out += waiting.flush()
                out.append(effect)
    return out + waiting.flush()


class _Parcels(Generic[_Record]):
    """Records on their way to other devices, which more may join. send: the effect for some."""

    def __init__(self, send: Callable[[str, tuple[_Record, ...]], Effect]) -> None:
        self._send: Callable[[str, tuple[_Record, ...]], Effect] = send
        self._records: dict[str, list[_Record]] = {}
        self._bytes: dict[str, int] = {}

    def add(self, to: str, records: tuple[_Record, ...]) -> list[Effect]:
        """Take these records; what had to go out to make room for them."""
        size_bytes = sum(each.size_bytes + _RECORD_HEAD_BYTES for each in records)
        full: list[Effect] = []
        if self._bytes.get(to, 0) + size_bytes > MOST_BYTES:
            full = self._flush(to)
        self._records.setdefault(to, []).extend(records)
        self._bytes[to] = self._bytes.get(to, 0) + size_bytes
        return full

    def flush(self) -> list[Effect]:
        return [effect for to in list(self._records) for effect in self._flush(to)]

    def _flush(self, to: str) -> list[Effect]:
        self._bytes.pop(to, None)
        records = self._records.pop(to, [])
        return [self._send(to, tuple(records))] if records else []


class _Waiting:
    """What may still be joined by more of its kind."""

    def __init__(self) -> None:
        self.partials: _Parcels[Partial] = _Parcels(SendPartials)
        self.features: _Parcels[Feature] = _Parcels(SendFeatures)
        self._keys: dict[bool, list[bytes]] = {}

    def add_done(self, effect: SendDone) -> list[Effect]:
        """Take these keys; what had to go out to make room for them."""
        notice = effect.notice
        known = self._keys.get(notice.settled, [])
        full: list[Effect] = []
        if KEY_BYTES * (len(known) + len(notice.keys)) > MOST_BYTES:
            full = self._flush_done(settled=notice.settled)
        self._keys.setdefault(notice.settled, []).extend(notice.keys)
        return full

    def flush(self) -> list[Effect]:
        # Maps first: another device cannot go on without them.
        out = [*self.features.flush(), *self.partials.flush()]
        for settled in list(self._keys):
            out += self._flush_done(settled=settled)
        return out

    def _flush_done(self, *, settled: bool) -> list[Effect]:
        keys = self._keys.pop(settled, [])
        return [SendDone(Done(tuple(keys), settled=settled))] if keys else []
