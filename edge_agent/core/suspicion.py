"""Who may have brought devices down: how often a request was there when one went.

A request that a dead device had been sent is *suspect*, as any of those may be the guilty one. A
suspect is executed only under an attempt note (`attempts.py`), which names it in case that the
device goes down again: then nothing else can have been the cause. So an innocent request, however
often it is in flight on a device that dies, is never named twice.
"""

from collections import OrderedDict

from edge_agent.core.events import RequestFault
from fluid.errors import ErrorCode

MOST_EXECUTORS = 2
_MOST_AGENTS = 1000


def executors(handovers: int, *, was_sent: bool, named: bool) -> int:
    """How many times a request may have brought a device down.

    handovers: before it came to the device that is down now. was_sent: that device had it in
    hand. named: its attempt note names the request.
    """
    return max(handovers, 1) + named if was_sent else handovers


def worn_out(count: int) -> RequestFault | None:
    """What a request is answered with that brought too many devices down."""
    if count < MOST_EXECUTORS:
        return None
    return RequestFault(
        ErrorCode.EXECUTION_FAILED,
        "two devices went down while they ran this request; it is not passed on",
    )


class AttemptNotes:
    """The last attempt note of each other agent."""

    def __init__(self) -> None:
        self._named: OrderedDict[str, frozenset[bytes]] = OrderedDict()

    def clear(self) -> None:
        """Forget all."""
        self._named.clear()

    def seen(self, agent: str, keys: tuple[bytes, ...]) -> None:
        self._named.pop(agent, None)
        if keys:
            self._named[agent] = frozenset(keys)
        if len(self._named) > _MOST_AGENTS:
            self._named.popitem(last=False)

    def has(self, agent: str) -> bool:
        return agent in self._named

    def names(self, agent: str, key: bytes) -> bool:
        """Whether an agent was about to run this request, or had been."""
        return key in self._named.get(agent, ())
