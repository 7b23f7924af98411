"""`SlicedCNN`: a network of independent slots that meet only in the sum of their logits."""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Any

from trainer.models.slot_cnn import SlotCNN
from trainer.models.sub_model import FloatSubModel
from trainer.tensorflow_setup import keras
from trainer.topology import Block, SubModelSpec, Topology

DEFAULT_SLOT_CHANNELS = 16


@keras.saving.register_keras_serializable(package="fluid")
class SlicedCNN(keras.Model):  # type: ignore[misc] # Keras ships no type information
    """One `SlotCNN` a slot.

    Args:
        image_shape: (height, width, channels) of one image.
        classes: number of classes.
        slots: names of the slots.
        widths: shares of a slot's width, growing, the last one 1.0.
        slot_channels: channels of a slot at full width.

    Input: uint8 or float32 (n, height, width, channels), values 0..255.
    Output: the partial logits of every sub-model by its name, each float32 (n, classes).
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        classes: int,
        *,
        slots: Sequence[str],
        widths: Sequence[float],
        slot_channels: int = DEFAULT_SLOT_CHANNELS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.classes = classes
        self.topology = Topology(tuple(slots), tuple(widths))
        self.slot_channels = slot_channels
        blocks = _block_channels(slot_channels, self.topology.widths)
        self.towers = [SlotCNN(blocks, classes, name=slot) for slot in self.topology.slots]

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Create every weight. The shape is known from `image_shape`."""
        del input_shape
        for tower in self.towers:
            tower.build((None, *self.image_shape))
        self.built = True

    def call(self, images: Any, learning: Collection[Block] = ()) -> dict[str, Any]:
        """The partial logits of every sub-model; `learning` are the blocks that learn."""
        return self.partial_logits(images, self.topology.sub_models(), learning)

    def partial_logits(
        self, images: Any, sub_models: Iterable[SubModelSpec], learning: Collection[Block] = ()
    ) -> dict[str, Any]:
        """The partial logits of some sub-models, with one pass for each slot that they need."""
        wanted = tuple(sub_models)
        logits = {}
        for slot, tower in enumerate(self.towers):
            specs = [spec for spec in wanted if spec.slot == slot]
            if specs:
                levels = {spec.level for spec in specs}
                learning_levels = {block.level for block in learning if block.slot == slot}
                by_level = tower.logits_by_level(images, levels, learning_levels)
                logits.update({spec.name: by_level[spec.level] for spec in specs})
        return logits

    def sub_model(self, spec: SubModelSpec) -> FloatSubModel:
        """One slot at one width, as a function of images."""
        return FloatSubModel(spec.name, self.towers[spec.slot], spec.level, self.image_shape)

    def block_variables(self, blocks: Iterable[Block]) -> list[Any]:
        """The trainable variables of some blocks."""
        return [
            variable
            for block in blocks
            for variable in self.towers[block.slot].block_variables(block.level)
        ]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "image_shape": list(self.image_shape),
            "classes": self.classes,
            "slots": list(self.topology.slots),
            "widths": list(self.topology.widths),
            "slot_channels": self.slot_channels,
        }


def _block_channels(slot_channels: int, widths: Sequence[float]) -> tuple[int, ...]:
    """Channels that each width adds; raises `ValueError` if one of them adds none."""
    totals = [0, *(round(slot_channels * width) for width in widths)]
    blocks = tuple(wide - narrow for narrow, wide in pairwise(totals))
    if min(blocks) < 1:
        raise ValueError(f"{slot_channels} channels cannot be cut into widths {tuple(widths)}")
    return blocks
