"""`SlotTower`: what a network asks of a tower, whatever its architecture."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from trainer.models.stage import FloatStage


class SlotTower(Protocol):
    """Blocks of growing width, from images to (partial) logits.

    Blocks count from 0, the narrowest; at level k the blocks 0..k work. What a level yields does
    not depend on wider blocks.
    """

    name: str

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create every weight; `input_shape` is (None, height, width, channels)."""

    def logits_by_level(
        self, images: Any, levels: Collection[int], learning: Collection[int] = ()
    ) -> dict[int, Any]:
        """Logits, float32 (n, classes), at several levels from one pass at the widest of them.

        images: uint8 or float32 (n, height, width, channels), values 0..255. learning: the blocks
        that learn; any other must remain exactly the function that it was.
        """

    def block_variables(self, block: int) -> list[Any]:
        """The trainable variables of one block, in every layer."""

    def sub_model(self, name: str, level: int, *, macs: int) -> FloatStage:
        """The tower at a level and at rest, with the weights that it has now."""
