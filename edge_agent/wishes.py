"""What a request says beside its image: its user properties, read and checked.

They come from anyone, so a value that makes no sense is a fault of the request, for its sender to
read, or nothing where only agents write it.
"""

from dataclasses import dataclass

from edge_agent.core.events import RequestFault
from fluid.bus import Message
from fluid.errors import ErrorCode
from fluid.messages import (
    DEADLINE_PROPERTY,
    LOGITS_PROPERTY,
    MAX_DEADLINE_S,
    MIN_SUBNETWORK_PROPERTY,
    PROBABILITIES_PROPERTY,
    UNIQUE_PROPERTY,
)

# How many devices a request may have brought down, so that it does not bring down all of them.
HANDOVERS_PROPERTY = "fluid-handovers"

_MOST_DEADLINE_MS = int(MAX_DEADLINE_S * 1000)
_MOST_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Wishes:
    """See `edge_agent.core.events.Request`. fault: the first property that makes no sense."""

    wants_probabilities: bool
    wants_logits: bool
    unique: bool
    minimum: str | None
    deadline_s: float | None
    handovers: int
    fault: RequestFault | None

    def distinguish(self) -> bytes:
        """What keeps two requests apart that are equal but for what they ask for."""
        words = (
            PROBABILITIES_PROPERTY[0] if self.wants_probabilities else "",
            LOGITS_PROPERTY[0] if self.wants_logits else "",
            "" if self.minimum is None else f"{MIN_SUBNETWORK_PROPERTY}={self.minimum}",
            "" if self.deadline_s is None else f"{DEADLINE_PROPERTY}={self.deadline_s}",
        )
        return "\0".join(words).encode(errors="replace") if any(words) else b""


def read_wishes(message: Message) -> Wishes:
    usual = _USUAL.get(message.user_properties)
    return _read(message.user_properties) if usual is None else usual


def _read(user_properties: tuple[tuple[str, str], ...]) -> Wishes:
    properties = dict(reversed(user_properties))  # of two with one name the first counts
    deadline = properties.get(DEADLINE_PROPERTY)
    deadline_ms = None if deadline is None else _positive(deadline)
    unreadable = deadline is not None and deadline_ms is None
    return Wishes(
        wants_probabilities=PROBABILITIES_PROPERTY in user_properties,
        wants_logits=LOGITS_PROPERTY in user_properties,
        unique=UNIQUE_PROPERTY in user_properties,
        minimum=properties.get(MIN_SUBNETWORK_PROPERTY),
        deadline_s=None if deadline_ms is None else deadline_ms / 1000,
        handovers=_count(properties.get(HANDOVERS_PROPERTY, "")),
        fault=_bad_deadline(deadline or "") if unreadable else None,
    )


def _bad_deadline(value: str) -> RequestFault:
    return RequestFault(
        ErrorCode.BAD_PROPERTY,
        f"the user property {DEADLINE_PROPERTY} says {value[:_MOST_CHARACTERS]!r}; write whole "
        f"milliseconds from 1 to {_MOST_DEADLINE_MS}, for example 250",
    )


def _positive(value: str) -> int | None:
    number = int(value[:12]) if value.isascii() and value.isdigit() else 0
    return number if 1 <= number <= _MOST_DEADLINE_MS else None


def _count(value: str) -> int:
    return min(int(value[:4]), 1000) if value.isascii() and value.isdigit() else 0


# What nearly all requests say, ours and those of others, read beforehand.
_USUAL: dict[tuple[tuple[str, str], ...], Wishes] = {
    said: _read(said) for said in ((), (UNIQUE_PROPERTY,))
}
