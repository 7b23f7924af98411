"""The topic tree: the only place that puts topic names together or takes them apart.

All topics live below one base (default `fluid`). docs/protocol.md describes each.
"""

from dataclasses import dataclass

# Topics of the cluster itself. A request may not name one of them as its response topic, or any
# publisher could make an agent speak with an agent's rights.
_RESERVED = ("infer", "presence", "heartbeat", "cluster", "mode", "partial", "done", "feature",
             "adopt")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic names below a base, for example `Topics("fluid").cluster == "fluid/cluster"`."""

    base: str = "fluid"

    def __post_init__(self) -> None:
        if not self.base or any(character in self.base for character in "+#\0$"):
            raise ValueError(f"base topic {self.base!r} must be a plain topic name")
        if self.base.startswith("/") or self.base.endswith("/"):
            raise ValueError(f"base topic {self.base!r} must not begin or end with a slash")

    @property
    def infer(self) -> str:
        """Where images are published; a request id may follow as the last part."""
        return f"{self.base}/infer"

    @property
    def infer_all(self) -> str:
        """The filter that hears every request: `#` includes the parent level."""
        return f"{self.base}/infer/#"

    @property
    def infer_shared(self) -> str:
        """The shared subscription: each request reaches one device."""
        return f"$share/{self.base.replace('/', '-')}/{self.infer_all}"

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
    def heartbeat_all(self) -> str:
        return f"{self.base}/heartbeat/+"

    def presence(self, agent: str) -> str:
        return f"{self.base}/presence/{agent}"

    def heartbeat(self, agent: str) -> str:
        return f"{self.base}/heartbeat/{agent}"

    def partial(self, agent: str) -> str:
        return f"{self.base}/partial/{agent}"

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

    def may_answer_on(self, topic: str) -> bool:
        """Whether an agent may publish an answer there (no wildcard, nothing of the cluster)."""
        if not topic or any(character in topic for character in "+#\0") or topic.startswith("$"):
            return False
        return not any(
            topic == f"{self.base}/{name}" or topic.startswith(f"{self.base}/{name}/")
            for name in _RESERVED
        )
