import numpy as np
import pytest

from trainer.layers import SlicedBatchNormalization
from trainer.tensorflow_setup import keras

_VALUES = np.random.default_rng(0).normal(3.0, 2.0, size=(16, 4, 4, 5)).astype(np.float32)


@pytest.fixture
def layer() -> SlicedBatchNormalization:
    normalization = SlicedBatchNormalization((2, 3), momentum=0.5)
    normalization.build((None, 4, 4, 5))
    return normalization


def test_a_block_that_learns_is_normalised_by_its_batch(layer: SlicedBatchNormalization) -> None:
    normal = keras.ops.convert_to_numpy(layer(_VALUES, learning=(1,)))[..., 2:]
    np.testing.assert_allclose(normal.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(normal.std(axis=(0, 1, 2)), 1, atol=1e-3)


def test_only_a_block_that_learns_moves_its_statistics(layer: SlicedBatchNormalization) -> None:
    before = [np.copy(weight) for weight in layer.get_weights()]
    layer(_VALUES, learning=(1,))
    moved = {
        weight.name
        for weight, old in zip(layer.weights, before, strict=True)
        if not np.array_equal(weight.numpy(), old)
    }
    assert moved == {"moving_mean_1", "moving_variance_1"}


def test_moving_statistics_keep_the_momentums_share(layer: SlicedBatchNormalization) -> None:
    layer(_VALUES, learning=(0,))
    mean = next(weight for weight in layer.weights if weight.name == "moving_mean_0")
    expected = 0.5 * _VALUES[..., :2].mean(axis=(0, 1, 2))
    np.testing.assert_allclose(mean.numpy(), expected, rtol=1e-5)


def test_a_frozen_layer_at_rest_changes_nothing_but_epsilon(
    layer: SlicedBatchNormalization,
) -> None:
    result = keras.ops.convert_to_numpy(layer(_VALUES))
    np.testing.assert_allclose(result, _VALUES / np.sqrt(1 + 1e-3), rtol=1e-5)


def test_a_narrow_level_is_the_first_channels_of_the_wide_one(
    layer: SlicedBatchNormalization,
) -> None:
    layer(_VALUES, learning=(0, 1))
    wide = keras.ops.convert_to_numpy(layer(_VALUES))
    narrow = keras.ops.convert_to_numpy(layer(_VALUES[..., :2], level=0))
    np.testing.assert_allclose(narrow, wide[..., :2], rtol=1e-6)


def test_at_rest_it_is_a_scale_and_an_offset(layer: SlicedBatchNormalization) -> None:
    layer(_VALUES, learning=(0, 1))
    scale, offset = layer.scale_and_offset(1)
    np.testing.assert_array_equal(_VALUES * scale + offset, layer(_VALUES))


def test_a_constant_channel_is_no_division_by_zero(layer: SlicedBatchNormalization) -> None:
    constant = np.full((16, 4, 4, 5), 1e3, dtype=np.float32)
    assert np.abs(layer(constant, learning=(0, 1))).max() < 10


def test_the_config_makes_an_equal_layer(layer: SlicedBatchNormalization) -> None:
    again = SlicedBatchNormalization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.block_channels, again.momentum) == ((2, 3), 0.5)
