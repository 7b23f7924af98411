"""Cuts a network whose slots read each other into stages: one a layer and sub-model.

Owns the scales of the feature maps that travel between stages. Each stage is converted alone, and
yet an int8 feature map must mean the same to the stage that writes it and to those that read it.
So the scaling is chosen here, in float: the map of each stage is scaled to end at
`FEATURE_MAXIMUM`, which the weights of the stages that read it undo.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import IMAGE, LOGITS
from trainer.data import Images
from trainer.errors import ExportError
from trainer.models import CutStage, SlicedCNN, run_stage
from trainer.models.cut_stage import FEATURE_MAXIMUM
from trainer.models.folded import FoldedConvolution, FoldedHead, Weights
from trainer.models.geometry import CONVOLUTIONS
from trainer.topology import SubModelSpec

# Of the largest value that calibration saw. Below it, so that some value is cut off and the map's
# range, from which the converter takes its scale, ends exactly there.
_KEPT_OF_PEAK = 0.99

Array = NDArray[np.float32]


def stage_name(layer: int, spec: SubModelSpec) -> str:
    """Such as `conv1.lower50`, which is also the name of its feature map; the last: `logits.*`."""
    return f"{LOGITS if layer == CONVOLUTIONS - 1 else f'conv{layer + 1}'}.{spec.name}"


def stage_names(spec: SubModelSpec) -> tuple[str, ...]:
    """The stages of a sub-model, first layer first."""
    return tuple(stage_name(layer, spec) for layer in range(CONVOLUTIONS))


class Cutter:
    """Cuts sub-models of a trained network layer by layer.

    images: for calibration, uint8 (n, height, width, channels).
    """

    def __init__(self, network: SlicedCNN, images: Images) -> None:
        self._network = network
        (self._tower,) = network.towers  # slots that read each other share one
        # By stage: its feature maps of the calibration images, and what their values count.
        self._maps: dict[str, Array] = {IMAGE: images.astype(np.float32)}
        self._units: dict[str, np.float32] = {IMAGE: np.float32(1)}

    def cut(self, specs: Sequence[SubModelSpec]) -> tuple[CutStage, ...]:
        """The stages of some sub-models, each after those that it reads.

        Every slot that one of them reads must be there at full width. Raises `ExportError` for a
        network whose feature maps are all zero.
        """
        return tuple(self._stage(layer, spec) for layer in range(CONVOLUTIONS) for spec in specs)

    def calibration(self, stage: CutStage) -> tuple[Array, ...]:
        """A cut stage's inputs for the calibration images, in its order."""
        return tuple(self._maps[name] for name in stage.inputs)

    def _stage(self, layer: int, spec: SubModelSpec) -> CutStage:
        name, inputs = stage_name(layer, spec), self._inputs(layer, spec)
        is_last = layer == CONVOLUTIONS - 1
        weights = self._weights(layer, spec, inputs)
        if not is_last:
            peak = self._peak(name, weights, inputs)
            self._units[name] = np.float32(peak * _KEPT_OF_PEAK / FEATURE_MAXIMUM)
            weights = Weights(weights.kernel / self._units[name], weights.bias / self._units[name])
        stage = CutStage(
            name,
            inputs=inputs,
            input_shapes=[self._maps[each].shape[1:] for each in inputs],
            output=LOGITS if is_last else name,
            convolution=FoldedConvolution(
                weights, self._tower.pools_after(layer), capped=not is_last
            ),
            head=FoldedHead(self._tower.head_weights(self._blocks(spec))) if is_last else None,
            macs=self._macs(layer, weights),
        )
        if not is_last:
            self._maps[name] = run_stage(stage, *self.calibration(stage))
        return stage

    def _inputs(self, layer: int, spec: SubModelSpec) -> tuple[str, ...]:
        if layer == 0:
            return (IMAGE,)
        topology = self._network.topology
        full = len(topology.widths) - 1
        read = (
            spec if slot == spec.slot else topology.sub_model(slot, full)
            for slot in topology.reads(spec.slot)
        )
        return tuple(stage_name(layer - 1, each) for each in read)

    def _weights(self, layer: int, spec: SubModelSpec, inputs: tuple[str, ...]) -> Weights:
        """For inputs whose values count as much as `_units` says."""
        units = np.concatenate(
            [np.full(self._maps[name].shape[-1], self._units[name]) for name in inputs]
        )
        folded = self._tower.folded_weights(layer, self._blocks(spec))
        return Weights(folded.kernel * units[:, np.newaxis], folded.bias)

    def _peak(self, name: str, weights: Weights, inputs: tuple[str, ...]) -> float:
        """The largest value of a convolution over the calibration images."""
        values = np.concatenate([self._maps[each] for each in inputs], axis=-1)
        peak = float(FoldedConvolution(weights, pools=False)(values).numpy().max())
        if peak <= 0:
            raise ExportError(f"stage {name} yields nothing but zeros: train for longer")
        return peak

    def _macs(self, layer: int, weights: Weights) -> int:
        geometry = self._network.geometry
        _, _, read, written = weights.kernel.shape
        macs = geometry.layer_macs(layer, read=read, written=written)
        return macs + (geometry.head_macs(written) if layer == CONVOLUTIONS - 1 else 0)

    def _blocks(self, spec: SubModelSpec) -> range:
        levels = [self._network.place(block)[1] for block in spec.blocks]
        return range(levels[0], levels[-1] + 1)
