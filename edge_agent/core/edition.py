"""The bundle in force: what an agent serves now. Another takes its place while the agent runs.

The ledger and the cluster are each told of it by `serve`, and keep no other word of a manifest or
a digest: shares of two bundles must never meet in one answer.
"""

from dataclasses import dataclass, field

from edge_agent.core.graph import Graph
from fluid.bundle import Manifest


@dataclass(frozen=True, slots=True)
class Edition:
    """A bundle as the core knows it: what it promises, and the digest that names it.

    graph: how its stages read each other; None where each goes from the image to logits.
    """

    manifest: Manifest
    digest: str
    graph: Graph | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "graph", Graph.of(self.manifest))

    def stage_names(self) -> tuple[str, ...]:
        """All its stages, in the order by which partials number them."""
        return tuple(stage.name for stage in self.manifest.stages)
