"""The topic tree: the only place that puts topic names together or takes them apart.

All topics live below one base (default `fluid`). docs/protocol.md describes each.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

# Topics of the cluster itself. A request may not name one of them as its response topic, or any
# publisher could make an agent speak with an agent's rights.
_RESERVED = ("infer", "presence", "heartbeat", "cluster", "mode", "partial", "done", "feature",
             "adopt", "term", "attempt", "condemned", "state")  # fmt: skip

# Mosquitto takes a response topic of any depth as a property, and disconnects whoever publishes
# to one of more than some 200 levels: an agent that answered there would meet it again with each
# redelivery. What a base may have leaves room for reply topics below it.
_MAX_BASE_BYTES = 256
_MAX_BASE_LEVELS = 16
_MAX_ANSWER_BYTES = 1024
_MAX_ANSWER_LEVELS = 100

# MQTT 5, section 1.5.4: a receiver may close the connection over control characters and Unicode's
# non-characters, as Mosquitto does; surrogates are no UTF-8 at all.
_PLANE_ENDS = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_UNSPEAKABLE = re.compile(f"[\0-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]")
_AGENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_agent_id(text: str) -> bool:
    """Whether it may name an agent: in topics, in client ids and inside messages."""
    return _AGENT_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic names below a base, for example `Topics("fluid").cluster == "fluid/cluster"`."""

    base: str = "fluid"

    def __post_init__(self) -> None:
        if not self.base or any(character in self.base for character in "+#$"):
            raise ValueError(f"base topic {self.base!r} must be a plain topic name")
        if self.base.startswith("/") or self.base.endswith("/"):
            raise ValueError(f"base topic {self.base!r} must not begin or end with a slash")
        if _UNSPEAKABLE.search(self.base):
            raise ValueError(f"base topic {self.base!r} must not hold control characters")
        if len(self.base.encode()) > _MAX_BASE_BYTES:
            raise ValueError(f"base topic must have at most {_MAX_BASE_BYTES} bytes (UTF-8)")
        if self.base.count("/") >= _MAX_BASE_LEVELS:
            raise ValueError(f"base topic must have at most {_MAX_BASE_LEVELS} levels")

    @property
    def infer(self) -> str:
        """Where images are published; a request id may follow as the last part."""
        return f"{self.base}/infer"

    @property
    def infer_all(self) -> str:
        """The filter that hears every request: `#` includes the parent level."""
        return f"{self.base}/infer/#"

    def infer_shared(self, seal: str = "") -> str:
        """The shared subscription: each request reaches one device.

        seal: ends the group's name, which then only those know who know the seal.
        """
        group = self.base.replace("/", "-") + (f"-{seal}" if seal else "")
        return f"$share/{group}/{self.infer_all}"

    @property
    def cluster(self) -> str:
        return f"{self.base}/cluster"

    @property
    def mode_set(self) -> str:
        return f"{self.base}/mode/set"

    @property
    def done(self) -> str:
        return f"{self.base}/done"

    @property
    def presence_all(self) -> str:
        return f"{self.base}/presence/+"

    @property
    def term_all(self) -> str:
        return f"{self.base}/term/+"

    @property
    def heartbeat_all(self) -> str:
        return f"{self.base}/heartbeat/+"

    @property
    def attempt_all(self) -> str:
        return f"{self.base}/attempt/+"

    def attempt(self, agent: str) -> str:
        """The note of the suspect request that an agent runs."""
        return f"{self.base}/attempt/{agent}"

    @property
    def condemned_all(self) -> str:
        return f"{self.base}/condemned/+"

    def condemned(self, agent: str) -> str:
        """The requests that an agent found to bring devices down."""
        return f"{self.base}/condemned/{agent}"

    def presence(self, agent: str) -> str:
        return f"{self.base}/presence/{agent}"

    def term(self, agent: str) -> str:
        """The highest term that an agent ever claimed."""
        return f"{self.base}/term/{agent}"

    def heartbeat(self, agent: str) -> str:
        return f"{self.base}/heartbeat/{agent}"

    def state(self, agent: str) -> str:
        """What an agent did lately, for Home Assistant."""
        return f"{self.base}/state/{agent}"

    def partial(self, agent: str) -> str:
        return f"{self.base}/partial/{agent}"

    def feature(self, agent: str) -> str:
        """Feature maps for an agent, of networks that are cut at every layer."""
        return f"{self.base}/feature/{agent}"

    def adopt(self, agent: str) -> str:
        """The marker that an adopter sends to itself through a dead agent's session."""
        return f"{self.base}/adopt/{agent}"

    def result(self, request_id: str | None) -> str:
        """The default reply topic of a request that named no response topic."""
        return f"{self.base}/result/{request_id}" if request_id else f"{self.base}/result"

    def request_id(self, topic: str) -> str | None:
        """The last part(s) of a request topic, None for the bare `infer` topic."""
        return topic.removeprefix(f"{self.infer}/") if topic != self.infer else None

    def is_request(self, topic: str) -> bool:
        return topic == self.infer or topic.startswith(f"{self.infer}/")

    def kind(self, topic: str) -> str:
        """The family of the cluster's topics that a topic is of, such as "presence"; "other" for
        all else, so that what a peer may choose is one of few words."""
        first = topic.removeprefix(f"{self.base}/").partition("/")[0]
        return first if first in _RESERVED and topic.startswith(f"{self.base}/") else "other"

    def may_answer_on(self, topic: str) -> bool:
        """Whether an agent may publish an answer there: nothing of the cluster, no wildcard, no
        control character, at most 1024 bytes and 100 levels."""
        # What is too long is not remembered: anybody may choose a response topic.
        return len(topic) <= _MAX_ANSWER_BYTES and _may_answer_on(self.base, topic)


@lru_cache(maxsize=256)  # each request is asked for, and most are of the same few clients
def _may_answer_on(base: str, topic: str) -> bool:
    if not topic or topic.startswith("$") or "+" in topic or "#" in topic:
        return False
    if _UNSPEAKABLE.search(topic) or len(topic.encode()) > _MAX_ANSWER_BYTES:
        return False
    if topic.count("/") >= _MAX_ANSWER_LEVELS:
        return False
    return not any(
        topic == f"{base}/{name}" or topic.startswith(f"{base}/{name}/") for name in _RESERVED
    )
