"""What the broker takes: how many publications at a time, and how large (MQTT 5, section 4.9).

A packet identifier is taken only when it is needed, so never twice at a time. For the link's thread
alone.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from paho.mqtt.properties import Properties

from fluid.bus.mqtt.message_packets import Outgoing

# What may be unconfirmed at a time if the broker allows more: far from the 65535 identifiers.
_MAX_SEND_WINDOW = 1000
# What a length of four bytes can tell (section 1.5.5), and itself, and the first byte.
_MAX_PACKET_BYTES = (1 << 28) - 1 + 4 + 1
# paho numbers what is its own upwards from 1: ours are the upper half.
_FIRST_ID, _LAST_ID = 0x8000, 0xFFFF


@dataclass(frozen=True, slots=True)
class Publication:
    """A message at QoS 1, until it is confirmed."""

    outgoing: Outgoing
    token: int | None


class FlowControl:
    """The publications at QoS 1 of one connection.

    max_packet_bytes: what is larger, the broker would end the connection over.
    """

    def __init__(self) -> None:
        self.max_packet_bytes = _MAX_PACKET_BYTES
        self._send_window = _MAX_SEND_WINDOW
        self._held: deque[Publication] = deque()
        self._unconfirmed: dict[int, Publication] = {}  # by packet identifier
        self._last_id = _LAST_ID

    @property
    def all_confirmed(self) -> bool:
        """Whether the broker has confirmed all that it was sent."""
        return not self._unconfirmed

    def learn(self, connack: Properties | None) -> None:
        """Keep to what the broker said when it accepted the connection."""
        receive_maximum = getattr(connack, "ReceiveMaximum", _MAX_SEND_WINDOW)
        self._send_window = min(receive_maximum, _MAX_SEND_WINDOW)
        max_packet_bytes = getattr(connack, "MaximumPacketSize", _MAX_PACKET_BYTES)
        self.max_packet_bytes = min(max_packet_bytes, _MAX_PACKET_BYTES)

    def hold(self, publication: Publication) -> None:
        """It is sent by `send_held`, in its turn."""
        self._held.append(publication)

    def send_held(self, send: Callable[[bytes], object]) -> None:
        """Send as much as the broker takes now."""
        while self._held and len(self._unconfirmed) < self._send_window:
            held = self._held.popleft()
            packet_id = self._free_id()
            self._unconfirmed[packet_id] = held
            send(held.outgoing.packet(packet_id))

    def confirmed(self, packet_id: int) -> Publication | None:
        """The publication that a PUBACK is for; None if it is for none of ours."""
        return self._unconfirmed.pop(packet_id, None)

    def _free_id(self) -> int:
        while True:
            self._last_id = _FIRST_ID if self._last_id == _LAST_ID else self._last_id + 1
            if self._last_id not in self._unconfirmed:
                return self._last_id
