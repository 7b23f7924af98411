"""Subscriptions that the broker refuses: what the log says of them, and that it says so once.

Writes nothing itself. When they are asked for again is the core's business.
"""

from collections.abc import Sequence

from edge_agent.log_event import LogEvent, Value
from fluid.bus import Confirmed

# MQTT 5, section 3.9.3.
_NOT_AUTHORISED = 0x87
_QUOTA_EXCEEDED = 0x97
_NOT_SUPPORTED = frozenset({0x9E, 0xA1, 0xA2})  # shared, with identifiers, with wildcards


class Refusals:
    """The subscriptions that stand refused, by their topic filters."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, ...], int] = {}

    def heard(self, topic_filters: Sequence[str], answer: Confirmed) -> LogEvent | None:
        """What a SUBACK is worth saying: a refusal that was not said, or is another than before."""
        filters, code = tuple(topic_filters), answer.reason
        if answer.accepted:
            self._told.pop(filters, None)
            return None
        if self._told.get(filters) == code:
            return None
        self._told[filters] = code
        fields: dict[str, Value] = {
            "reason": f"0x{code:02x}",
            "topics": filters,
            "message": _advice(code),
        }
        return LogEvent("subscription_refused", fields)


def _advice(code: int) -> str:
    if code == _NOT_AUTHORISED:
        return (
            "the broker does not let this agent's user subscribe; in its access control list, "
            "allow that user to subscribe to and read these topics"
        )
    if code == _QUOTA_EXCEEDED:
        return "the broker allows no more subscriptions; raise its limit for this agent's user"
    if code in _NOT_SUPPORTED:
        return (
            "the broker does not support what the subscription needs; use one with all of MQTT 5: "
            "shared subscriptions, subscription identifiers and wildcards"
        )
    return "the broker refused the subscription; its own log says why"
