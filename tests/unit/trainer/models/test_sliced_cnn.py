import numpy as np
import pytest

from tests.unit.trainer.models.backbones import PLAIN
from trainer.data import Dataset, Images
from trainer.models import BlockTower, SlicedCNN, run_stage
from trainer.pipeline import build_network
from trainer.tensorflow_setup import keras
from trainer.topology import Block, Family, Topology

_TWO_SLOTS = Topology.of(2)
_FOUR_SLOTS = Topology.of(4, widths=(1.0,))
_FOUR_DYNAMIC_SLOTS = Topology.of(4, widths=(1.0,), family=Family.DYNAMIC)
_NETWORKS = [
    pytest.param((_TWO_SLOTS, "cnn"), id="fluid"),
    pytest.param((Topology.of(2, family=Family.DYNAMIC), "cnn"), id="dynamic"),
    pytest.param((Topology.of(2, family=Family.STATIC), "cnn"), id="static"),
    pytest.param((_FOUR_SLOTS, "cnn"), id="four slots"),
    pytest.param((_FOUR_DYNAMIC_SLOTS, "cnn"), id="four dynamic slots"),
    pytest.param((Topology.of(3, widths=(0.25, 0.5, 1.0)), "cnn"), id="three slots, three widths"),
    pytest.param((_TWO_SLOTS, "ds-cnn"), id="ds-cnn"),
    pytest.param((_FOUR_SLOTS, "ds-cnn"), id="four slots of ds-cnn"),
    pytest.param((_TWO_SLOTS, PLAIN), id="backbone"),
    pytest.param((_FOUR_SLOTS, PLAIN), id="four slots of a backbone"),
    pytest.param((Topology.of(1, family=Family.STATIC), PLAIN), id="static backbone"),
    pytest.param((Topology.of(1, family=Family.DYNAMIC), PLAIN), id="dynamic backbone"),
]


@pytest.fixture(params=_NETWORKS)
def network(request: pytest.FixtureRequest, digits: Dataset) -> SlicedCNN:
    topology, architecture = request.param
    network = SlicedCNN(
        digits.image_shape,
        len(digits.classes),
        slots=topology.slots,
        widths=topology.widths,
        family=topology.family,
        slot_channels=6,
        architecture=architecture,
    )
    network.build()
    return network


@pytest.fixture
def fluid(digits: Dataset) -> SlicedCNN:
    return build_network(digits, topology=Topology.of(2))


@pytest.fixture
def images(digits: Dataset) -> Images:
    return digits.test.images[:16]


def _changed_by(network: SlicedCNN, images: Images, block: Block) -> set[str]:
    """The sub-networks whose logits change, bit by bit, when a block's weights do."""
    before = {name: np.asarray(logits) for name, logits in network(images).items()}
    for variable in network.block_variables([block]):
        variable.assign(variable + 0.5)
    after = network(images)
    return {name for name in before if not np.array_equal(before[name], after[name])}


def test_a_block_reaches_exactly_the_sub_networks_that_have_it(
    network: SlicedCNN, images: Images
) -> None:
    for block in network.topology.blocks():
        holders = {spec.name for spec in network.topology.sub_networks() if block in spec.blocks}
        assert _changed_by(network, images, block) == holders


def test_every_trainable_weight_belongs_to_exactly_one_block(network: SlicedCNN) -> None:
    owned = network.block_variables(network.topology.blocks())
    assert len({id(variable) for variable in owned}) == len(owned)
    assert {id(variable) for variable in owned} == {
        id(variable) for variable in network.trainable_variables
    }


def test_the_config_and_the_weights_make_an_equal_network(
    network: SlicedCNN, images: Images
) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    assert isinstance(again, SlicedCNN)
    assert again.get_config() == network.get_config()
    again.set_weights(network.get_weights())
    for name, logits in network(images).items():
        np.testing.assert_array_equal(again(images)[name], logits)


@pytest.mark.parametrize("family", [Family.DYNAMIC, Family.STATIC])
def test_slots_that_read_each_other_are_of_cnn_alone(digits: Dataset, family: Family) -> None:
    with pytest.raises(ValueError, match="which only the architecture cnn is made for"):
        build_network(digits, topology=Topology.of(2, family=family), architecture="ds-cnn")


def test_fluid_logits_are_the_sum_of_the_sub_models(fluid: SlicedCNN, images: Images) -> None:
    together = fluid(images)
    alone = {
        spec.name: run_stage(fluid.sub_model(spec), images) for spec in fluid.topology.sub_models()
    }
    for spec in fluid.topology.sub_networks():
        total = sum(alone[sub_model.name] for sub_model in spec.sub_models)
        np.testing.assert_allclose(together[spec.name], total, rtol=1e-4, atol=1e-5)


def test_the_lower_part_of_a_dynamic_network_works_alone(digits: Dataset, images: Images) -> None:
    topology = Topology.of(2, family=Family.DYNAMIC)
    network = build_network(digits, topology=topology)
    lower, upper = topology.sub_model(0, 1), topology.sub_model(1, 1)
    alone = run_stage(network.sub_model(lower), images)
    np.testing.assert_allclose(alone, network(images)["lower50"], rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="upper50 does not work alone in a dynamic network"):
        network.sub_model(upper)


def test_uint8_and_float_pixels_give_equal_logits(fluid: SlicedCNN, images: Images) -> None:
    in_bytes, in_floats = fluid(images), fluid(images.astype(np.float32))
    for name, logits in in_bytes.items():
        np.testing.assert_array_equal(logits, in_floats[name])


def test_macs_follow_the_architecture(fluid: SlicedCNN) -> None:
    convolutions = 9 * (64 * 1 * 22 + 16 * 22 * 22 + 16 * 22 * 22)  # pooled once, to 4x4
    assert fluid.macs(fluid.topology.sub_model(0, 1)) == convolutions + 4 * 4 * 22 * 10


def test_only_blocks_that_learn_move_their_statistics(network: SlicedCNN, images: Images) -> None:
    before = [weight.numpy() for weight in network.non_trainable_variables]
    block = network.topology.blocks()[-1]
    network.logits(images, [network.topology.widest()], learning=[block])
    moved = {
        weight.path
        for weight, old in zip(network.non_trainable_variables, before, strict=True)
        if not np.array_equal(weight.numpy(), old)
    }
    assert moved
    assert moved == _statistics(network, block)


def _statistics(network: SlicedCNN, block: Block) -> set[str]:
    number, level = network.place(block)
    tower = network.towers[number]
    if isinstance(tower, BlockTower):
        return {each.path for each in tower.blocks[level].non_trainable_variables}
    paths = {each.path for each in tower.non_trainable_variables}
    return {path for path in paths if path.endswith(f"_{level}")}


def test_a_slot_alone_counts_for_all_that_are_missing(digits: Dataset) -> None:
    fluid = build_network(digits, topology=Topology.of(3))
    scales = {spec.name: fluid.share_scale(spec) for spec in fluid.topology.sub_networks()}
    assert (scales["middle33"], scales["67"], scales["100"]) == (3.0, 1.5, 1.0)


def test_logits_of_a_single_tower_are_no_shares(digits: Dataset) -> None:
    dynamic = build_network(digits, topology=Topology.of(2, family=Family.DYNAMIC))
    assert {dynamic.share_scale(spec) for spec in dynamic.topology.sub_networks()} == {1.0}
