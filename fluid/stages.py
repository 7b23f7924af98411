"""Runs stages of a bundle that are cut at feature maps, all on one device.

`SubModel` serves what goes from image to logits in one file; this runs any bundle, so that a
network that is cut between devices is measured through the very files that serve it. Feature maps
stay int8 on their way: the stage that writes one and those that read it agree on its scale.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import IMAGE, LOGITS, Bundle, Manifest, Stage, dependency_order
from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage
from fluid.submodel import Images, Logits, combine, load_interpreter

# uint8 images or int8 feature maps.
Tensor = NDArray[np.uint8] | NDArray[np.int8]

_INPUT_NUMBER = re.compile(r"input_(\d+)")


@dataclass(frozen=True, slots=True)
class Quantization:
    """How integers stand for numbers: `scale * (q - zero_point)`."""

    scale: np.float32
    zero_point: int

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> "Quantization":
        """That of a tensor, as an interpreter describes it."""
        scale, zero_point = details["quantization"]
        return cls(np.float32(scale), zero_point)

    def dequantize(self, quantized: NDArray[np.int8]) -> NDArray[np.float32]:
        """In float32: the same bits on every machine."""
        centred = quantized.astype(np.int32) - self.zero_point
        return centred.astype(np.float32) * self.scale


_PIXELS = Quantization(np.float32(1), 0)  # values 0..255 as they are


class LoadedStage:
    """One TFLite file of a bundle, of any kind of stage. Not thread-safe: give it to one thread."""

    def __init__(self, bundle: Bundle, stage: Stage, *, package: InterpreterPackage) -> None:
        """Load a stage's bytes; `package` is from `find_interpreter()`.

        Raises `BundleError` naming the file if it cannot be loaded, or does not take and yield
        what the manifest promises.
        """
        self.stage = stage
        self._interpreter = load_interpreter(bundle, stage, package=package)
        inputs = _in_order(stage, self._interpreter.get_input_details())
        outputs = self._interpreter.get_output_details()
        if len(outputs) != 1:
            raise BundleError(f"{stage.file}: must yield one output, not {len(outputs)}")
        (output,) = outputs
        self._input_indices: list[int] = [details["index"] for details in inputs]
        self._output_index: int = output["index"]
        self.input_shapes = tuple(map(_shape, inputs))
        self.output_shape = _shape(output)
        self.input_quantization = tuple(map(Quantization.of, inputs))
        self.output_quantization = Quantization.of(output)
        expected = [np.uint8 if name == IMAGE else np.int8 for name in stage.inputs]
        if [details["dtype"] for details in inputs] != expected or output["dtype"] is not np.int8:
            raise BundleError(f"{stage.file}: must take uint8 images or int8 feature maps")
        if not self.output_quantization.scale:
            raise BundleError(f"{stage.file}: must yield quantized values")

    def run(self, inputs: Sequence[Tensor]) -> NDArray[np.int8]:
        """Arrays (n, ...), in the order of the manifest's inputs -> int8 (n, ...)."""
        rows = []
        for image in range(len(inputs[0])):
            for index, values in zip(self._input_indices, inputs, strict=True):
                self._interpreter.set_tensor(index, values[image : image + 1])
            self._interpreter.invoke()
            rows.append(self._interpreter.get_tensor(self._output_index))
        return np.concatenate(rows)


class StageRunner:
    """Runs sub-networks of a bundle on one device. Not thread-safe: give it to one thread."""

    def __init__(
        self,
        bundle: Bundle,
        sub_networks: Collection[str] | None = None,
        *,
        package: InterpreterPackage,
    ) -> None:
        """Load the stages of these sub-networks (None: of all).

        Raises `KeyError` for an unknown one, and `BundleError` if a file cannot be loaded or the
        stages do not fit together.
        """
        manifest = bundle.manifest
        by_name = {sub_network.name: sub_network for sub_network in manifest.subnetworks}
        chosen = by_name.keys() if sub_networks is None else sub_networks
        self._stages_of = {
            name: [manifest.stage(stage) for stage in by_name[name].stages] for name in chosen
        }
        self._slots = manifest.slots
        wanted = {stage.name for stages in self._stages_of.values() for stage in stages}
        self._loaded = tuple(
            LoadedStage(bundle, stage, package=package)
            for stage in dependency_order(manifest, wanted)
        )
        expect_joined(self._loaded, manifest)

    def logits(self, images: Images) -> dict[str, Logits]:
        """uint8 images (n, height, width, channels) -> float32 logits (n, classes) of each
        sub-network, its partial logits summed in the order of the manifest's slots."""
        partials = self._partial_logits(images)
        return {
            name: combine([partials[stage] for stage in self._logits_stages(stages)])
            for name, stages in self._stages_of.items()
        }

    def _partial_logits(self, images: Images) -> dict[str, Logits]:
        """Those of every stage that yields such, each stage run once an image."""
        tensors: dict[str, Tensor] = {IMAGE: images}
        partials = {}
        for loaded in self._loaded:
            output = loaded.run([tensors[name] for name in loaded.stage.inputs])
            if loaded.stage.output == LOGITS:
                partials[loaded.stage.name] = loaded.output_quantization.dequantize(output)
            else:
                tensors[loaded.stage.output] = output
        return partials

    def _logits_stages(self, stages: Iterable[Stage]) -> list[str]:
        last = [stage for stage in stages if stage.output == LOGITS]
        return [stage.name for stage in sorted(last, key=lambda s: self._slots.index(s.slot))]


def input_name(number: int) -> str:
    """How a file with several inputs names the one that comes `number`-th, from 0, in the manifest.

    A file does not keep their order.
    """
    return f"input_{number}"


def _in_order(stage: Stage, details: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(details) == 1 == len(stage.inputs):
        return details
    # The name may be decorated, as in `serving_default_input_0:0`.
    numbered = {
        int(found[1]): each for each in details if (found := _INPUT_NUMBER.search(each["name"]))
    }
    if sorted(numbered) != list(range(len(stage.inputs))):
        raise BundleError(f"{stage.file}: must have inputs named {input_name(0)} and so on")
    return [numbered[number] for number in range(len(stage.inputs))]


def _shape(details: Mapping[str, Any]) -> tuple[int, ...]:
    """That of one image or feature map: a file takes and yields one at a time."""
    return tuple(map(int, details["shape"][1:]))


def expect_joined(stages: Sequence[LoadedStage], manifest: Manifest) -> None:
    """Every input must be quantised as what it is given: integers are passed on as they are."""
    scales = {IMAGE: _PIXELS}
    shapes: dict[str, tuple[int, ...]] = {IMAGE: manifest.input.shape}
    scales |= {each.stage.output: each.output_quantization for each in stages}
    shapes |= {each.stage.output: each.output_shape for each in stages}
    classes = len(manifest.classes)
    for each in stages:
        file = each.stage.file
        for number, name in enumerate(each.stage.inputs):
            if each.input_quantization[number] != scales[name]:
                raise BundleError(f"{file}: takes {name} on another scale than it has")
            if each.input_shapes[number] != shapes[name]:
                raise BundleError(f"{file}: must take {name} of shape {shapes[name]}")
        if each.stage.output == LOGITS and each.output_shape != (classes,):
            raise BundleError(f"{file}: must yield a logit for each of the {classes} classes")
