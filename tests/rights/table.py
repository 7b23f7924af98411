"""The table of rights at a secured broker: who may not do what, who may, and who is a stranger.

Topics are templates over `Names`: `DENIED[0].topic_for(names)`. Nothing in here connects.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from tests.rights.session import Credentials


class Who(Enum):
    """Whose credentials an action is tried with."""

    DEVICE = "device"
    REQUESTER = "requester"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Names:
    """The names at a broker: two agents, two users who are no operators, and an operator."""

    device: str = "pi-1"
    other_device: str = "pi-2"
    requester: str = "alice"
    other_requester: str = "bob"
    operator: str = "operator"
    base: str = "fluid"


@dataclass(frozen=True, slots=True)
class Publication:
    """Somebody publishes to a topic."""

    who: Who
    topic: str
    retain: bool = False

    def topic_for(self, names: Names) -> str:
        return _filled(self.topic, names)

    def __str__(self) -> str:
        verb = "retain" if self.retain else "publish"
        return f"{self.who.value} {verb} {_readable(self.topic)}"


@dataclass(frozen=True, slots=True)
class Hearing:
    """Somebody subscribes to a topic, to which somebody else publishes.

    Mosquitto accepts every subscription and withholds the messages, so whether it is allowed
    shows only in what arrives.
    """

    who: Who
    topic: str
    publisher: Who

    def topic_for(self, names: Names) -> str:
        return _filled(self.topic, names)

    def __str__(self) -> str:
        return f"{self.who.value} hear {_readable(self.topic)}"


def _publications(who: Who, *topics: str) -> list[Publication]:
    return [Publication(who, topic) for topic in topics]


def _retained(who: Who, *topics: str) -> list[Publication]:
    return [Publication(who, topic, retain=True) for topic in topics]


def _hearings(who: Who, publisher: Who, *topics: str) -> list[Hearing]:
    return [Hearing(who, topic, publisher) for topic in topics]


# What only an agent may say, and of it what is retained.
_OF_AGENTS = ("{base}/heartbeat/{device}", "{base}/partial/{device}", "{base}/done",
              "{base}/feature/{device}", "{base}/adopt/{device}")  # fmt: skip
_STATES_OF_AGENTS = ("{base}/presence/{device}", "{base}/term/{device}", "{base}/cluster",
                     "{base}/attempt/{device}", "{base}/condemned/{device}")  # fmt: skip
# What Home Assistant is told: by devices, and by nobody else who is not Home Assistant.
_OF_HOME_ASSISTANT = ("homeassistant/device/fluid-{device}/config",
                      "homeassistant/device/fluid/cluster/config")  # fmt: skip
_ELSEWHERE = ("elsewhere", "{base}", "{base}/feature/{device}/1", "$SYS/broker/uptime")

DENIED_PUBLICATIONS = [
    # A device speaks for no other, gives no operator's word, and goes nowhere else.
    *_publications(
        Who.DEVICE,
        "{base}/heartbeat/{other_device}",
        "{base}/state/{other_device}",
        "{base}/mode/set",
        "homeassistant/status",
        "homeassistant/sensor/{device}/config",
    ),
    *_retained(
        Who.DEVICE,
        "{base}/presence/{other_device}",
        "{base}/term/{other_device}",
        "{base}/condemned/{other_device}",
    ),
    *_publications(Who.DEVICE, *_ELSEWHERE),
    # A requester asks, and that is all.
    *_publications(Who.REQUESTER, *_OF_AGENTS, "{base}/state/{device}", "{base}/mode/set"),
    *_retained(Who.REQUESTER, *_STATES_OF_AGENTS, *_OF_HOME_ASSISTANT),
    *_publications(
        Who.REQUESTER,
        "{base}/result",
        "{base}/result/{other_requester}",
        "{base}/result/{other_requester}/1",
        *_ELSEWHERE,
    ),
    # An operator asks, sets the mode and has devices forgotten, and leads no cluster.
    *_publications(Who.OPERATOR, *_OF_AGENTS, "{base}/result/{requester}/1", *_ELSEWHERE),
    *_retained(Who.OPERATOR, "{base}/cluster"),
]

DENIED_HEARINGS = [
    *_hearings(
        Who.DEVICE,
        Who.DEVICE,
        "{base}/partial/{other_device}",
        "{base}/feature/{other_device}",
        "{base}/result/{requester}/1",
        "{base}/result/{other_device}/1",
    ),
    *_hearings(
        Who.REQUESTER,
        Who.DEVICE,
        *_OF_AGENTS,
        *_STATES_OF_AGENTS,
        *_OF_HOME_ASSISTANT,
        "{base}/state/{device}",
        "{base}/infer",
        "{base}/infer/{requester}/1",
        "{base}/infer/{other_requester}/1",
        "{base}/result",
        "{base}/result/{other_requester}",
        "{base}/result/{other_requester}/1",
    ),
    *_hearings(Who.REQUESTER, Who.OPERATOR, "{base}/mode/set"),
]

ALLOWED_PUBLICATIONS = [
    *_publications(
        Who.DEVICE,
        "{base}/heartbeat/{device}",
        "{base}/state/{device}",
        "{base}/partial/{other_device}",
        "{base}/feature/{other_device}",
        "{base}/done",
        "{base}/result",
        "{base}/result/{requester}/1",
        "{base}/infer",
        "{base}/infer/{requester}/1",
        "{base}/adopt/{other_device}",
    ),
    *_retained(Who.DEVICE, *_STATES_OF_AGENTS, "{base}/attempt/{other_device}"),
    *_retained(Who.DEVICE, *_OF_HOME_ASSISTANT),
    *_publications(Who.REQUESTER, "{base}/infer", "{base}/infer/{requester}/1"),
    *_publications(Who.OPERATOR, "{base}/infer", "{base}/infer/{operator}/1", "{base}/mode/set"),
    *_retained(
        Who.OPERATOR,
        "{base}/presence/{device}",
        "{base}/term/{device}",
        "{base}/attempt/{device}",
        "{base}/condemned/{device}",
    ),
]

ALLOWED_HEARINGS = [
    *_hearings(
        Who.DEVICE,
        Who.DEVICE,
        *_OF_AGENTS,
        *_STATES_OF_AGENTS,
        "{base}/adopt/{other_device}",
        "{base}/result/{device}/1",
    ),
    *_hearings(Who.DEVICE, Who.OPERATOR, "{base}/mode/set"),
    *_hearings(Who.DEVICE, Who.REQUESTER, "{base}/infer", "{base}/infer/{requester}/1"),
    *_hearings(
        Who.REQUESTER, Who.DEVICE, "{base}/result/{requester}", "{base}/result/{requester}/1"
    ),
    *_hearings(
        Who.OPERATOR,
        Who.DEVICE,
        *_OF_AGENTS,
        *_STATES_OF_AGENTS,
        "{base}/state/{device}",
        "{base}/infer/{requester}/1",
        "{base}/result/{requester}/1",
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What a stranger may have got hold of. foreign: certificate and key of another authority, in
    a device's name. broker: the broker's own. revoked: of a device that was taken out."""

    requester: Credentials
    device: Credentials
    foreign: tuple[Path, Path]
    broker: tuple[Path, Path]
    revoked: Credentials


@dataclass(frozen=True, slots=True)
class Stranger:
    """How somebody connects who must not come in. says: what Mosquitto's log says of it, as a
    regular expression."""

    name: str
    credentials: Callable[[Known], Credentials]
    says: str

    def __str__(self) -> str:
        return self.name


# What Mosquitto 2.0 logs of a TLS handshake that it ends, or that is none.
_NO_HANDSHAKE = "wrong version number|packet length too long|Protocol error"
_OLD = "unsupported protocol"
_UNAUTHORISED = "not authorised"

STRANGERS = [
    Stranger(
        "requester with a wrong password",
        lambda known: replace(known.requester, password="wrong"),  # noqa: S106 - it has to be
        _UNAUTHORISED,
    ),
    Stranger(
        "requester without a password",
        lambda known: replace(known.requester, password=None),
        _UNAUTHORISED,
    ),
    Stranger(
        "user that does not exist",
        lambda known: replace(known.requester, user="mallory"),
        _UNAUTHORISED,
    ),
    Stranger(
        "nobody in particular",
        lambda known: replace(known.requester, user=None, password=None),
        _UNAUTHORISED,
    ),
    Stranger(
        "requester without TLS",
        lambda known: replace(known.requester, ca=None),
        _NO_HANDSHAKE,
    ),
    Stranger(
        "requester with TLS 1.1",
        lambda known: replace(known.requester, greatest_tls=ssl.TLSVersion.TLSv1_1),
        _OLD,
    ),
    Stranger(
        "device's certificate at the requesters' port",
        lambda known: replace(known.device, port=known.requester.port),
        _UNAUTHORISED,
    ),
    Stranger(
        "password at the devices' port",
        lambda known: replace(known.requester, port=known.device.port),
        "peer did not return a certificate",
    ),
    Stranger(
        "device without a certificate",
        lambda known: replace(known.device, certificate=None, key=None),
        "peer did not return a certificate",
    ),
    Stranger(
        "device with a certificate of another authority",
        lambda known: replace(known.device, certificate=known.foreign[0], key=known.foreign[1]),
        "certificate verify failed",
    ),
    Stranger(
        "device with the broker's certificate",
        lambda known: replace(known.device, certificate=known.broker[0], key=known.broker[1]),
        "certificate verify failed",
    ),
    Stranger(
        "device with a revoked certificate",
        lambda known: known.revoked,
        "certificate verify failed",
    ),
    Stranger(
        "device without TLS",
        lambda known: replace(known.device, ca=None),
        _NO_HANDSHAKE,
    ),
    Stranger(
        "device with TLS 1.1",
        lambda known: replace(known.device, greatest_tls=ssl.TLSVersion.TLSv1_1),
        _OLD,
    ),
]


def _filled(topic: str, names: Names) -> str:
    return topic.format(
        base=names.base,
        device=names.device,
        other_device=names.other_device,
        requester=names.requester,
        other_requester=names.other_requester,
        operator=names.operator,
    )


def _readable(topic: str) -> str:
    """For a test's name: `presence of other device` would hide the topic, so it stays one."""
    return topic.replace("{base}", "fluid").replace("{", "<").replace("}", ">").replace("_", " ")
