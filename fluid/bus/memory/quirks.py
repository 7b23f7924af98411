"""Where a real broker departs from the standard, so that a simulation can depart with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quirks:
    """All off: a broker that does what MQTT 5 says.

    silent_takeover: the first connection is closed without a DISCONNECT, so its link hears LOST
    and cannot know why. will_lost_by_resuming: a takeover that resumes the session publishes no
    will. retained_to_shares: a shared subscription is sent retained messages. leaking_window:
    each acknowledgement lets a whole Receive Maximum of waiting messages through, not one.
    restart_forgets_clean_starts: a restart keeps only the sessions of clients that last connected
    without clean start. keepalive_scan_s: how often the broker looks for clients that have been
    silent for one and a half times their keepalive; 0 for at once.
    """

    silent_takeover: bool = False
    will_lost_by_resuming: bool = False
    retained_to_shares: bool = False
    leaking_window: bool = False
    restart_forgets_clean_starts: bool = False
    keepalive_scan_s: float = 0.0


STANDARD = Quirks()

# The Mosquitto of Debian 12 and Raspberry Pi OS 12. Its change log says that 2.0.13 mended the
# window and the retained messages, and 2.0.15 the takeover.
MOSQUITTO_2_0_11 = Quirks(
    silent_takeover=True,
    will_lost_by_resuming=True,
    retained_to_shares=True,
    leaking_window=True,
    restart_forgets_clean_starts=True,
    keepalive_scan_s=5.0,
)
