import numpy as np
import pytest

from fluid.interpreter import InterpreterPackage
from trainer.data import Dataset
from trainer.errors import ExportError
from trainer.export import convert, plan_stages
from trainer.models import SlicedCNN, run_stage
from trainer.pipeline import build_network
from trainer.topology import Family, Topology


def _plan_names(network: SlicedCNN, digits: Dataset) -> dict[str, set[str]]:
    return {
        stage.name: set(stage.sub_networks)
        for stage in plan_stages(network, digits.train.images[:20])
    }


def test_a_fluid_network_has_one_stage_for_each_sub_model(digits: Dataset) -> None:
    network = build_network(digits, topology=Topology.of(2))
    assert _plan_names(network, digits) == {
        "lower25": {"lower25"},
        "lower50": {"lower50", "75", "100"},
        "upper25": {"75", "upper25"},
        "upper50": {"100", "upper50"},
    }


def test_a_dynamic_network_is_cut_only_where_two_slots_work_together(digits: Dataset) -> None:
    network = build_network(digits, topology=Topology.of(2, family=Family.DYNAMIC))
    layers = ("conv1", "conv2", "logits")
    assert _plan_names(network, digits) == {
        "lower25": {"lower25"},
        "lower50": {"lower50"},
        **{f"{layer}.lower50": {"75", "100"} for layer in layers},
        **{f"{layer}.upper25": {"75"} for layer in layers},
        **{f"{layer}.upper50": {"100"} for layer in layers},
    }


def test_a_stage_reads_the_slots_that_its_family_says(digits: Dataset) -> None:
    reads = {}
    for family in (Family.DYNAMIC, Family.STATIC):
        network = build_network(digits, topology=Topology.of(2, family=family))
        for stage in plan_stages(network, digits.train.images[:20]):
            reads[family, stage.name] = stage.original.inputs
    assert reads[Family.DYNAMIC, "conv2.lower50"] == ("conv1.lower50",)
    assert reads[Family.DYNAMIC, "conv2.upper25"] == ("conv1.lower50", "conv1.upper25")
    assert reads[Family.STATIC, "conv2.lower50"] == ("conv1.lower50", "conv1.upper50")
    assert reads[Family.STATIC, "conv1.lower50"] == ("image",)


def test_a_static_network_of_one_slot_is_one_file(digits: Dataset) -> None:
    network = build_network(digits, topology=Topology.of(1, family=Family.STATIC))
    assert _plan_names(network, digits) == {"whole100": {"100"}}


@pytest.mark.parametrize("slots", [2, 4])
@pytest.mark.parametrize("family", [Family.DYNAMIC, Family.STATIC])
def test_cut_stages_compute_what_the_network_computes(
    digits: Dataset, family: Family, slots: int
) -> None:
    network = build_network(digits, topology=Topology.of(slots, widths=(1.0,), family=family))
    images = digits.train.images[:20]
    logits = np.zeros((20, 10), dtype=np.float32)
    tensors = {"image": images.astype(np.float32)}
    for stage in plan_stages(network, images):
        if "100" not in stage.sub_networks:
            continue
        output = run_stage(stage.original, *(tensors[name] for name in stage.original.inputs))
        if stage.original.output == "logits":
            logits += output
        else:
            tensors[stage.original.output] = output
    # But for the one value in a hundred of the largest that is cut off.
    np.testing.assert_allclose(logits, network(images)["100"], atol=0.02)


def test_the_stages_of_a_layer_share_its_work(digits: Dataset) -> None:
    topology = Topology.of(2, family=Family.STATIC)
    network = build_network(digits, topology=topology)
    by_slot = dict.fromkeys(topology.slots, 0)
    for stage in plan_stages(network, digits.train.images[:20]):
        by_slot[stage.slot] += stage.original.macs
    assert by_slot == {
        spec_slot: network.macs(topology.sub_model(number, 0))
        for number, spec_slot in enumerate(topology.slots)
    }


def test_a_dead_network_cannot_be_cut(digits: Dataset) -> None:
    network = build_network(digits, topology=Topology.of(2, family=Family.STATIC))
    network.set_weights([np.zeros_like(weight) for weight in network.get_weights()])
    with pytest.raises(ExportError, match=r"conv1\.lower50 yields nothing but zeros"):
        plan_stages(network, digits.train.images[:20])


def test_a_sub_model_of_many_blocks_can_be_converted_and_run(
    digits: Dataset, package: InterpreterPackage
) -> None:
    """A kernel that is put together from many blocks must reach the file as one constant."""
    topology = Topology.of(1, widths=(0.25, 0.5, 0.75, 1.0))
    network = build_network(digits, topology=topology)
    *_, widest = plan_stages(network, digits.train.images[:20])
    assert widest.name == "whole100"
    interpreter = package.interpreter_class(
        model_content=convert(widest.original, widest.calibration), num_threads=1
    )
    interpreter.allocate_tensors()
    assert tuple(interpreter.get_output_details()[0]["shape"]) == (1, 10)
