"""The least sub-network that a requester accepts, and what it is told where that cannot be had."""

from collections.abc import Collection

from edge_agent.core.events import RequestFault
from fluid.bundle import Manifest
from fluid.errors import ErrorCode

_MOST_NAMED = 40
_MOST_CHARACTERS = 40


def expect_known(manifest: Manifest, minimum: str | None) -> RequestFault | None:
    """What is wrong with a minimum that the bundle has no sub-network for."""
    if minimum is None:
        return None
    names = [subnetwork.name for subnetwork in manifest.subnetworks]
    if minimum in names:
        return None
    listed = ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")
    return RequestFault(
        ErrorCode.UNKNOWN_SUBNETWORK,
        f"the bundle has no sub-network {minimum[:_MOST_CHARACTERS]!r}; it has: {listed}",
    )


def covers(manifest: Manifest, stages: Collection[str], minimum: str | None) -> bool:
    """Whether an answer from these stages counts: in each slot of the asked sub-network, one of
    them is at least as wide. `minimum` is known to the manifest, or None for whatever there is."""
    if minimum is None:
        return True
    asked = next(each for each in manifest.subnetworks if each.name == minimum)
    there = [manifest.stage(name) for name in stages]
    return all(
        any(stage.slot == least.slot and stage.width >= least.width for stage in there)
        for least in map(manifest.stage, asked.stages)
    )


# Below, most is the name of the sub-network that is there: empty if none is.


def too_little_alone(most: str, *, minimum: str | None) -> RequestFault:
    """In high-throughput mode one device answers, and it does not hold enough."""
    return _unavailable(
        f"each device answers alone in mode ht, this one with '{most}' at most, and not with "
        f"'{minimum}'; ask for '{most}', or let the devices answer together: 'fluid mode ha'"
    )


def too_little_online(most: str, *, minimum: str | None) -> RequestFault:
    """In high-accuracy mode, all shares that the devices can give together are not enough."""
    there = f"'{most}' at most" if most else "no sub-network"
    instead = f"ask for '{most}', or " if most else ""
    return _unavailable(
        f"the devices that are online give {there}, and not '{minimum}'; "
        f"{instead}see with 'fluid status' which device is missing"
    )


def too_little_came(most: str, *, minimum: str | None) -> RequestFault:
    """In high-accuracy mode, an online device's share did not come."""
    return _unavailable(
        f"only '{most}' was there when waiting for '{minimum}' made no sense any more; "
        f"ask again, or ask for '{most}'"
    )


def too_little_time(most: str, *, minimum: str | None, deadline_s: float) -> RequestFault:
    """The requester's deadline has passed, and what is there is no answer."""
    there = (
        f"only '{most}' was there, and not '{minimum}'" if most and minimum else "none was there"
    )
    instead = f", or ask for '{most}'" if most and minimum else ""
    return RequestFault(
        ErrorCode.DEADLINE_MISSED,
        f"an answer was due within {deadline_s * 1000:.0f} ms and {there}; "
        f"allow more time{instead}",
    )


def _unavailable(message: str) -> RequestFault:
    return RequestFault(ErrorCode.SUBNETWORK_UNAVAILABLE, message)
