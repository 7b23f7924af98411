"""`SlicedCNN`: a network of slots, of any family and architecture."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from trainer.architecture import CNN, check_architecture
from trainer.models.block_tower import BlockTower
from trainer.models.geometry import Geometry, block_channels
from trainer.models.stage import FloatStage
from trainer.models.tower import Tower
from trainer.tensorflow_setup import keras
from trainer.topology import Block, Family, SubModelSpec, SubNetworkSpec, Topology

# The number of a tower, and of a level in it.
_Place = tuple[int, int]


@keras.saving.register_keras_serializable(package="fluid")
class SlicedCNN(keras.Model):  # type: ignore[misc] # Keras ships no type information
    """Slots that meet only in the sum of their logits (fluid), or in one tower (the others).

    A fluid network has a tower for each slot. In a dynamic network the slots' blocks follow one
    another in a single tower, where a block reads the narrower ones: incremental training's
    network. In a static one all blocks of the tower read each other: an ordinary dense network.
    Towers (`SlotTower`) are of the class `Tower` in the architecture `cnn`, else `BlockTower`.

    Args:
        image_shape: (height, width, channels) of one image.
        classes: number of classes.
        slots: names of the slots.
        widths: shares of a slot's width, growing, the last one 1.0.
        slot_channels: channels of a slot at full width.
        family: what the slots read of each other, a `Family` or its value.
        architecture: `cnn`, `ds-cnn` or `package.module:function`; slots that read each other can
            only be of `cnn`.

    Input: uint8 or float32 (n, height, width, channels), values 0..255.
    Output: the logits of every sub-network by its name, each float32 (n, classes).
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        classes: int,
        *,
        slots: Sequence[str],
        widths: Sequence[float],
        slot_channels: int,
        family: Family | str = Family.FLUID,
        architecture: str = CNN,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        height, width, channels = image_shape
        self.image_shape = (height, width, channels)
        self.classes = classes
        self.topology = Topology(tuple(slots), tuple(widths), Family(family))
        self.slot_channels = slot_channels
        self.architecture = architecture
        check_architecture(architecture, self.topology)
        self.towers = self._make_towers()

    @property
    def geometry(self) -> Geometry:
        """Sizes and costs in the architecture `cnn`."""
        return Geometry(self.image_shape, self.classes)

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Create every weight. The shape is known from `image_shape`."""
        del input_shape
        for tower in self.towers:
            tower.build((None, *self.image_shape))
        self.built = True

    def call(self, images: Any) -> dict[str, Any]:
        """The logits of every sub-network, none of whose blocks learn."""
        return self.logits(images, self.topology.sub_networks())

    def logits(
        self,
        images: Any,
        sub_networks: Iterable[SubNetworkSpec],
        *,
        learning: Collection[Block] = (),
    ) -> dict[str, Any]:
        """The logits of some sub-networks by their names, from one pass through each tower.

        `learning` are the blocks that learn: they are normalised by the batch.
        """
        readings = {spec.name: self._readings(spec) for spec in sub_networks}
        places = {place for parts in readings.values() for place in parts}
        shares = {}
        for number, tower in enumerate(self.towers):
            if wanted := {level for place, level in places if place == number}:
                learn = {level for place, level in map(self.place, learning) if place == number}
                for level, share in tower.logits_by_level(images, wanted, learn).items():
                    shares[number, level] = share
        return _sums(shares, readings)

    def share_scale(self, spec: SubNetworkSpec) -> float:
        """What a sub-network's logits are multiplied by in training: slots in all over its own.

        Logits that are the sum of fewer slots' shares are smaller by as much. If a slot alone had
        to reach the size that the sum of all should have, the sum would come out too large.
        """
        if self.topology.family is not Family.FLUID:
            return 1.0
        return len(self.topology.slots) / len(spec.sub_models)

    def place(self, block: Block) -> _Place:
        """The number of the tower that holds a block, and the block's number there."""
        if self.topology.family is Family.FLUID:
            return block.slot, block.level
        return 0, block.slot * len(self.topology.widths) + block.level

    def sub_model(self, spec: SubModelSpec) -> FloatStage:
        """One slot at one width as a function of images; raises `ValueError` if it reads others."""
        if spec.slot > 0 and self.topology.family is not Family.FLUID:
            raise ValueError(f"{spec.name} does not work alone in a {self.topology.family} network")
        number, level = self.place(spec.blocks[-1])
        return self.towers[number].sub_model(spec.name, level, macs=self.macs(spec))

    def macs(self, spec: SubModelSpec) -> int:
        """Multiply-accumulates that an image costs a slot at one width.

        The slots that it reads count at full width.
        """
        number, level = self.place(spec.blocks[-1])
        tower = self.towers[number]
        if isinstance(tower, BlockTower):
            return tower.macs(level)
        own = self._channels(spec)
        others = len(self.topology.reads(spec.slot)) - 1
        return self.geometry.macs(read=others * self.slot_channels + own, written=own)

    def block_variables(self, blocks: Iterable[Block]) -> list[Any]:
        """The trainable variables of some blocks."""
        return [
            variable
            for number, level in map(self.place, blocks)
            for variable in self.towers[number].block_variables(level)
        ]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "image_shape": list(self.image_shape),
            "classes": self.classes,
            "slots": list(self.topology.slots),
            "widths": list(self.topology.widths),
            "family": self.topology.family.value,
            "slot_channels": self.slot_channels,
            "architecture": self.architecture,
        }

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Create every weight; called when a saved network is loaded.

        Keras' own way hides what goes wrong in `build`.
        """
        self.build(config.get("input_shape"))

    def _make_towers(self) -> Sequence[Tower | BlockTower]:
        blocks = block_channels(self.slot_channels, self.topology.widths)
        slots, is_fluid = self.topology.slots, self.topology.family is Family.FLUID
        # Slots that read each other are blocks of one tower.
        towers = dict.fromkeys(slots, blocks) if is_fluid else {"all_slots": blocks * len(slots)}
        if self.architecture == CNN:
            dense = self.topology.family is Family.STATIC
            return [
                Tower(channels, self.classes, dense=dense, name=name)
                for name, channels in towers.items()
            ]
        return [
            BlockTower(channels, self.classes, backbone=self.architecture, name=name)
            for name, channels in towers.items()
        ]

    def _readings(self, spec: SubNetworkSpec) -> tuple[_Place, ...]:
        """The (tower, level) pairs whose logits add up to a sub-network's."""
        if self.topology.family is Family.FLUID:
            return tuple(self.place(sub_model.blocks[-1]) for sub_model in spec.sub_models)
        return (self.place(spec.blocks[-1]),)

    def _channels(self, spec: SubModelSpec) -> int:
        return sum(block_channels(self.slot_channels, self.topology.widths)[: spec.level + 1])


def _sums(
    shares: Mapping[_Place, Any], readings: Mapping[str, Collection[_Place]]
) -> dict[str, Any]:
    """The sums of some shares each, all of (n, classes), by name.

    As one product with a constant matrix: TensorFlow adds up the gradients of a share that is part
    of many sums in no fixed order, and equal seeds would not give equal weights.
    """
    members = [[float(place in parts) for place in shares] for parts in readings.values()]
    stacked = keras.ops.stack(list(shares.values()), axis=1)
    sums = keras.ops.matmul(keras.ops.convert_to_tensor(members), stacked)
    return dict(zip(readings, keras.ops.unstack(sums, axis=1), strict=True))
