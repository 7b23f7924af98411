"""A bundle ready to be run: its manifest, its digest, and a loaded interpreter for each stage."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import IMAGE, LOGITS, Bundle, is_whole
from fluid.interpreter import InterpreterPackage
from fluid.servable import expect_servable
from fluid.stages import LoadedStage, Tensor, expect_joined
from fluid.submodel import Images, Logits, SubModel

# int8 (images, values an image): a feature map as it travels.
Rows = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What some stages yielded, by stage name: float32 logits (images, classes), or int8 feature
    maps (images, values an image)."""

    logits: dict[str, Logits]
    maps: dict[str, Rows]


class Models:
    """Loaded by any thread, then run by one: give it away when it is made.

    Raises `BundleError` for a bundle that agents cannot serve, or of which a model cannot be
    loaded, is not what its manifest promises, or does not fit those that it reads.
    """

    def __init__(self, bundle: Bundle, package: InterpreterPackage) -> None:
        manifest = bundle.manifest
        expect_servable(manifest)
        self.manifest = manifest
        self.digest = bundle.digest
        self._whole = {
            stage.name: SubModel(bundle, stage.name, package=package)
            for stage in manifest.stages
            if is_whole(stage)
        }
        self._cut = {
            stage.name: LoadedStage(bundle, stage, package=package)
            for stage in manifest.stages
            if not is_whole(stage)
        }
        expect_joined(tuple(self._cut.values()), manifest)

    def needs_image(self, stages: tuple[str, ...]) -> bool:
        """Whether one of these stages reads the image; or none is named, and somebody wants to
        know whether it is one."""
        return not stages or any(
            name in self._whole or IMAGE in self._cut[name].stage.inputs for name in stages
        )

    def run(
        self, stages: tuple[str, ...], images: Images | None, maps: Mapping[str, Rows]
    ) -> Outputs:
        """Run stages in this order, each on the image, on feature maps, or on what those before it
        yielded.

        images: uint8 (n, height, width, channels); None where no stage reads them. maps: by name,
        those that no stage here yields. Raises `ValueError` or `RuntimeError` as the interpreter
        does, and `ValueError` for a map of another size than a stage reads.
        """
        outputs = Outputs({}, {})
        known: dict[str, Tensor] = dict(maps)
        if images is not None:
            known[IMAGE] = images
        for name in stages:
            if (whole := self._whole.get(name)) is not None and images is not None:
                outputs.logits[name] = whole.run(images)
            else:
                self._run_cut(self._cut[name], known, outputs)
        return outputs

    def _run_cut(self, loaded: LoadedStage, known: dict[str, Tensor], outputs: Outputs) -> None:
        stage = loaded.stage
        inputs = [
            known[name].reshape(len(known[name]), *shape)
            for name, shape in zip(stage.inputs, loaded.input_shapes, strict=True)
        ]
        quantized = loaded.run(inputs)
        if stage.output == LOGITS:
            outputs.logits[stage.name] = loaded.output_quantization.dequantize(quantized)
        else:
            known[stage.output] = quantized
            outputs.maps[stage.name] = quantized.reshape(len(quantized), -1)
