"""The clock, against what is known of the time: nobody is asked for it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from edge_agent.doctor.finding import Finding, Status
from fluid.bus.mqtt.certificates import Validity

CHECK = "clock"
# Nothing of ours existed before: a device without a clock begins at 1970, or when it was last on.
_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)


def check_clock(known: Sequence[Validity], *, now: datetime) -> Finding:
    """known: certificates of this device, which were valid when they were copied there."""
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    ahead = [
        f", and '{each.common_name}' is valid since {each.not_before:%Y-%m-%d}"
        for each in known
        if now < each.not_before
    ]
    if ahead or now < _EARLIEST:
        since = ahead[0] if ahead else ""
        message = (
            f"it is {shown} by this device's clock{since}: the clock is behind; "
            "a Raspberry Pi has none of its own and gets the time from the network, so see "
            "'timedatectl', and allow NTP (UDP port 123)"
        )
        return Finding(CHECK, Status.FAILED, message)
    return Finding(CHECK, Status.OK, f"it is {shown}")
