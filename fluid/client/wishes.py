"""What a request asks for beside its image: checked, and written as user properties.

Owns which wishes can be asked for at all. How they are called as they travel is said by
`fluid.messages.properties`; whether the cluster can grant them is the agents' to say.
"""

from dataclasses import dataclass

from fluid.messages.properties import (
    DEADLINE_PROPERTY,
    LOGITS_PROPERTY,
    MAX_DEADLINE_S,
    MIN_SUBNETWORK_PROPERTY,
    PROBABILITIES_PROPERTY,
)

MAX_TIMEOUT_S = 86_400.0  # a day: whoever waits longer for an answer should ask again
_MOST_NAME_CHARACTERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options of `FluidClient.infer`, which says what each means; ValueError for what none
    can ask. timeout_s: None for the client's own."""

    probabilities: bool = False
    logits: bool = False
    min_subnetwork: str | None = None
    deadline_s: float | None = None
    timeout_s: float | None = None

    def __post_init__(self) -> None:
        if self.min_subnetwork is not None:
            _expect_name(self.min_subnetwork)
        if self.deadline_s is not None:
            _expect_time("deadline_s", self.deadline_s, most_s=MAX_DEADLINE_S)
        if self.timeout_s is not None:
            expect_timeout(self.timeout_s)

    @property
    def properties(self) -> tuple[tuple[str, str], ...]:
        """The user properties that say them. The time-out is not among them: it is ours to keep."""
        properties = [PROBABILITIES_PROPERTY] if self.probabilities else []
        if self.logits:
            properties.append(LOGITS_PROPERTY)
        if self.min_subnetwork is not None:
            properties.append((MIN_SUBNETWORK_PROPERTY, self.min_subnetwork))
        if self.deadline_s is not None:
            deadline_ms = max(1, round(self.deadline_s * 1000))
            properties.append((DEADLINE_PROPERTY, str(deadline_ms)))
        return tuple(properties)


def expect_timeout(timeout_s: float) -> None:
    """Raises ValueError for a time that no request can be kept for."""
    _expect_time("timeout_s", timeout_s, most_s=MAX_TIMEOUT_S)


def _expect_name(name: str) -> None:
    if not (name.isprintable() and 0 < len(name) <= _MOST_NAME_CHARACTERS):
        raise ValueError(f"min_subnetwork must be a sub-network's name: {name!r}")


def _expect_time(what: str, time_s: float, *, most_s: float) -> None:
    if not 0 < time_s <= most_s:  # which NaN is not either
        raise ValueError(f"{what} must be above 0 and at most {most_s:g}: {time_s}")
