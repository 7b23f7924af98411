"""Architectures other than `cnn`, from images to a bundle; not how well they learn."""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
import pytest

from fluid.interpreter import InterpreterPackage
from fluid.stages import LoadedStage, Quantization
from tests.unit.trainer.models.backbones import PLAIN
from trainer.architecture import short_name
from trainer.data import Dataset, PictureForm, load_dataset
from trainer.data.shapes import write_shapes
from trainer.evaluation import load_stages
from trainer.export import bundle_builder
from trainer.export.operators import oldest_runtime, operators
from trainer.models import run_stage
from trainer.pipeline import TrainingResult, train_bundle
from trainer.topology import Family, Topology
from trainer.training.settings import Algorithm, TrainingSettings

_TWO_SLOTS = Topology.of(2)
_FOUR_SLOTS = Topology.of(4, widths=(1.0,))
_ALL = [
    (_TWO_SLOTS, "ds-cnn"),
    (_FOUR_SLOTS, "ds-cnn"),
    (_TWO_SLOTS, PLAIN),
    (_FOUR_SLOTS, PLAIN),
]
Train = Callable[[Topology, str], TrainingResult]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("data") / "shapes"
    write_shapes(folder, images_per_class=20, size_px=32)
    return load_dataset(str(folder), form=PictureForm((32, 32), 3))


@pytest.fixture(scope="module")
def trained_on_shapes(shapes: Dataset) -> Iterator[Train]:
    """Each once; so briefly that networks are unsure of most pictures, which int8 then tips."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_builder, "MAX_TOP1_DROP", 1.0)
        yield cache(partial(_train, shapes))


def _train(shapes: Dataset, topology: Topology, architecture: str) -> TrainingResult:
    is_fluid = topology.family is Family.FLUID
    return train_bundle(
        shapes,
        settings=TrainingSettings(epochs=2, teacher_epochs=1, batch_size=32),
        topology=topology,
        algorithm=Algorithm.JOINT if is_fluid else None,
        max_int8_drop=1.0,
        architecture=architecture,
        static_channels=12,
    )


@pytest.mark.parametrize(("topology", "architecture"), _ALL)
def test_a_bundle_has_a_stage_for_each_sub_model(
    trained_on_shapes: Train, topology: Topology, architecture: str
) -> None:
    result = trained_on_shapes(topology, architecture)
    manifest = result.bundle.manifest
    assert manifest.name == f"shapes-{short_name(architecture)}"
    assert manifest.training["architecture"] == architecture
    assert manifest.training["slot_channels"] == result.network.slot_channels
    assert [stage.name for stage in manifest.stages] == [
        spec.name for spec in topology.sub_models()
    ]
    assert [stage.macs for stage in manifest.stages] == [
        result.network.macs(spec) for spec in topology.sub_models()
    ]
    for slot in topology.slots:
        assert manifest.runnable([slot]), f"{slot} does not work alone"


@pytest.mark.parametrize(("topology", "architecture"), _ALL)
def test_files_compute_in_int8_what_keras_does_in_float(
    trained_on_shapes: Train,
    shapes: Dataset,
    topology: Topology,
    architecture: str,
    package: InterpreterPackage,
) -> None:
    result = trained_on_shapes(topology, architecture)
    images = shapes.test.images
    in_int8 = load_stages(result.bundle, package=package).logits(images)
    for name, logits in result.network(images).items():
        agreement = np.corrcoef(np.ravel(logits), in_int8[name].ravel())[0, 1]
        assert agreement > 0.99, name


@pytest.mark.parametrize(("topology", "architecture"), _ALL)
def test_pixels_go_in_as_they_are(
    trained_on_shapes: Train, topology: Topology, architecture: str, package: InterpreterPackage
) -> None:
    bundle = trained_on_shapes(topology, architecture).bundle
    for stage in bundle.manifest.stages:
        loaded = LoadedStage(bundle, stage, package=package)
        assert loaded.input_quantization == (Quantization(np.float32(1), 0),)


def test_normalisation_and_the_scaling_of_pixels_cost_no_operator(
    trained_on_shapes: Train,
) -> None:
    bundle = trained_on_shapes(_TWO_SLOTS, "ds-cnn").bundle
    narrow, wide = (operators(bundle.models[name]) for name in ("lower25", "lower50"))
    assert all(each.is_integer for each in (*narrow, *wide))
    convolutions = ["CONV_2D", *["DEPTHWISE_CONV_2D", "CONV_2D"] * 4]
    pooled = ["MAX_POOL_2D"] * 3 + ["MEAN"]
    assert sorted(each.name for each in narrow) == sorted(
        ["QUANTIZE", *convolutions, *pooled, "FULLY_CONNECTED"]
    )
    assert {each.name for each in wide} == {*(each.name for each in narrow), "CONCATENATION"}
    assert all(oldest_runtime(model) < (2, 14) for model in bundle.models.values())


def test_a_block_without_pooling_is_flattened_for_the_head(trained_on_shapes: Train) -> None:
    bundle = trained_on_shapes(_TWO_SLOTS, PLAIN).bundle
    names = {each.name for each in operators(bundle.models["lower50"])}
    assert names == {
        "QUANTIZE",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "CONCATENATION",
        "RESHAPE",
        "FULLY_CONNECTED",
    }


def test_halves_add_up_to_the_whole(trained_on_shapes: Train, shapes: Dataset) -> None:
    network = trained_on_shapes(_TWO_SLOTS, "ds-cnn").network
    images = shapes.test.images[:10]
    halves = [run_stage(network.sub_model(spec), images) for spec in _TWO_SLOTS.widest().sub_models]
    np.testing.assert_allclose(sum(halves), network(images)["100"], rtol=1e-4, atol=1e-5)


def test_equal_seeds_give_bundles_of_one_digest(trained_on_shapes: Train, shapes: Dataset) -> None:
    one_slot = Topology.of(1, family=Family.STATIC)
    first = trained_on_shapes(one_slot, PLAIN)
    assert _train(shapes, one_slot, PLAIN).bundle.digest == first.bundle.digest


@pytest.mark.parametrize("family", [Family.STATIC, Family.DYNAMIC])
def test_one_slot_may_be_of_any_family(trained_on_shapes: Train, family: Family) -> None:
    topology = Topology.of(1, widths=(1.0,), family=family)
    manifest = trained_on_shapes(topology, PLAIN).bundle.manifest
    assert (manifest.family, [stage.name for stage in manifest.stages]) == (family, ["whole100"])
