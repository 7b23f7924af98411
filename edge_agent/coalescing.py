"""Fewer messages under load: shares for one device travel together, and so do done notices.

Pure: from the effects of several steps to the same with fewer messages. It waits for nothing; only
what is to be done at the same time anyway is merged.

Shares and done notices move behind what they are merged past, up to the end of the effects or the
next one that is of the cluster or of a link and not of a request. So nothing leaves its connection
or overtakes a change of presence, and a reply goes out before the notice that speaks of it. All
other effects keep their order.
"""

from collections.abc import Iterable

from edge_agent.core.effects import (
    Ack,
    Compute,
    Effect,
    Note,
    SendDone,
    SendPartials,
    SendReply,
    SendUnheard,
)
from fluid.messages import Done, Partial
from fluid.messages.inference import KEY_BYTES

# Of a merged message. What was one larger message before stays one.
MOST_BYTES = 64 * 1024
# Of a partial's record: above its head and its sender's id.
_RECORD_HEAD_BYTES = 128


def coalesce(effects: Iterable[Effect]) -> list[Effect]:
    """The effects with partials to one device in one message, and done notices in one."""
    out: list[Effect] = []
    waiting = _Waiting()
    for effect in effects:
        match effect:
            case SendPartials():
                out += waiting.add_partials(effect)
            case SendDone():
                out += waiting.add_done(effect)
            case SendReply() | Ack() | Compute() | SendUnheard() | Note():
                out.append(effect)
            case _:
                out += waiting.flush()
                out.append(effect)
    return out + waiting.flush()


class _Waiting:
    """What may still be joined by more of its kind."""

    def __init__(self) -> None:
        self._partials: dict[str, list[Partial]] = {}
        self._partial_bytes: dict[str, int] = {}
        self._keys: dict[bool, list[bytes]] = {}

    def add_partials(self, effect: SendPartials) -> list[Effect]:
        """Take these shares; what had to go out to make room for them."""
        size_bytes = sum(each.logits.nbytes + _RECORD_HEAD_BYTES for each in effect.partials)
        full: list[Effect] = []
        if self._partial_bytes.get(effect.to, 0) + size_bytes > MOST_BYTES:
            full = self._flush_partials(effect.to)
        self._partials.setdefault(effect.to, []).extend(effect.partials)
        self._partial_bytes[effect.to] = self._partial_bytes.get(effect.to, 0) + size_bytes
        return full

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
        out: list[Effect] = []
        for to in list(self._partials):
            out += self._flush_partials(to)
        for settled in list(self._keys):
            out += self._flush_done(settled=settled)
        return out

    def _flush_partials(self, to: str) -> list[Effect]:
        self._partial_bytes.pop(to, None)
        partials = self._partials.pop(to, [])
        return [SendPartials(to, tuple(partials))] if partials else []

    def _flush_done(self, *, settled: bool) -> list[Effect]:
        keys = self._keys.pop(settled, [])
        return [SendDone(Done(tuple(keys), settled=settled))] if keys else []
