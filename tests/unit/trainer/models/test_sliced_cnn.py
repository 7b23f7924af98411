import numpy as np
import pytest

from trainer.data import Dataset, Images
from trainer.models import SlicedCNN
from trainer.pipeline import build_network
from trainer.tensorflow_setup import keras
from trainer.topology import Block, Topology


@pytest.fixture
def network(digits: Dataset) -> SlicedCNN:
    return build_network(digits, topology=Topology.of(2))


@pytest.fixture
def images(digits: Dataset) -> Images:
    return digits.test.images[:16]


def _changed_by(network: SlicedCNN, images: Images, block: Block) -> set[str]:
    """The sub-models whose logits change, bit by bit, when a block's weights do."""
    before = {name: np.asarray(logits) for name, logits in network(images).items()}
    for variable in network.block_variables([block]):
        variable.assign(variable + 0.5)
    after = network(images)
    return {name for name in before if not np.array_equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("block", "touched"),
    [
        (Block(0, 0), {"lower25", "lower50"}),
        (Block(0, 1), {"lower50"}),
        (Block(1, 0), {"upper25", "upper50"}),
        (Block(1, 1), {"upper50"}),
    ],
)
def test_a_block_reaches_only_its_slot_at_its_own_width_and_wider(
    network: SlicedCNN, images: Images, block: Block, touched: set[str]
) -> None:
    assert _changed_by(network, images, block) == touched


def test_a_sub_model_alone_answers_as_inside_the_network(
    network: SlicedCNN, images: Images
) -> None:
    together = network(images)
    for spec in network.topology.sub_models():
        alone = network.sub_model(spec).run(images)
        assert alone.shape == (16, 10)
        np.testing.assert_allclose(alone, together[spec.name], rtol=1e-4, atol=1e-5)


def test_uint8_and_float_pixels_give_equal_logits(network: SlicedCNN, images: Images) -> None:
    in_bytes, in_floats = network(images), network(images.astype(np.float32))
    for name, logits in in_bytes.items():
        np.testing.assert_array_equal(logits, in_floats[name])


def test_every_trainable_weight_belongs_to_exactly_one_block(network: SlicedCNN) -> None:
    owned = network.block_variables(network.topology.blocks())
    assert len({id(variable) for variable in owned}) == len(owned)
    assert {id(variable) for variable in owned} == {
        id(variable) for variable in network.trainable_variables
    }


def test_any_number_of_slots_and_widths_can_be_built(digits: Dataset, images: Images) -> None:
    topology = Topology.of(3, widths=(0.25, 0.5, 1.0))
    network = build_network(digits, topology=topology)
    logits = network(images)
    assert set(logits) == {spec.name for spec in topology.sub_models()}
    # With the networks' seed left to chance, only a wiring fault makes two slots equal.
    assert not np.array_equal(logits["lower33"], logits["middle33"])


def test_macs_follow_the_architecture(network: SlicedCNN) -> None:
    wide = network.sub_model(network.topology.sub_model(0, 1))
    convolutions = 9 * (64 * 1 * 16 + 16 * 16 * 16 + 16 * 16 * 16)  # pooled once, to 4x4
    assert wide.macs == convolutions + 4 * 4 * 16 * 10


def test_the_config_and_the_weights_make_an_equal_network(
    network: SlicedCNN, images: Images
) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    assert isinstance(again, SlicedCNN)
    assert again.get_config() == network.get_config()
    again.set_weights(network.get_weights())
    for name, logits in network(images).items():
        np.testing.assert_array_equal(again(images)[name], logits)


def test_a_width_without_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be cut"):
        SlicedCNN((8, 8, 1), 10, slots=["a"], widths=[0.1, 1.0], slot_channels=4)
