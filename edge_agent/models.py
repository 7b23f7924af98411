"""A bundle ready to be run: its manifest, its digest, and a loaded interpreter for each stage."""

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage
from fluid.servable import expect_servable
from fluid.submodel import Images, Logits, SubModel


class Models:
    """Loaded by any thread, then run by one: give it away when it is made.

    Raises `BundleError` for a bundle of a family that agents cannot serve, or of which a model
    cannot be loaded or is not what its manifest promises.
    """

    def __init__(self, bundle: Bundle, package: InterpreterPackage) -> None:
        expect_servable(bundle.manifest)
        self.manifest = bundle.manifest
        self.digest = bundle.digest
        self._by_stage = {
            stage.name: SubModel(bundle, stage.name, package=package)
            for stage in bundle.manifest.stages
        }

    def run(self, stage: str, images: Images) -> Logits:
        """uint8 images (n, height, width, channels) -> float32 logits (n, classes)."""
        return self._by_stage[stage].run(images)
