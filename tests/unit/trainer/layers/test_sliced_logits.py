import numpy as np
import pytest

from trainer.layers import SlicedLogits
from trainer.tensorflow_setup import keras

_FEATURES = np.random.default_rng(0).normal(size=(6, 2, 2, 5)).astype(np.float32)


@pytest.fixture
def layer() -> SlicedLogits:
    head = SlicedLogits((2, 3), 4)
    head.build((None, 2, 2, 5))
    return head


def test_the_logits_of_a_level_are_the_sum_over_its_blocks(layer: SlicedLogits) -> None:
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.weights])
    named = {weight.name: weight.numpy() for weight in layer.weights}
    narrow = np.einsum("nhwc,hwck->nk", _FEATURES[..., :2], named["kernel_0"]) + named["bias_0"]
    added = np.einsum("nhwc,hwck->nk", _FEATURES[..., 2:], named["kernel_1"]) + named["bias_1"]
    np.testing.assert_allclose(layer(_FEATURES[..., :2], level=0), narrow, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer(_FEATURES), narrow + added, rtol=1e-4, atol=1e-5)


def test_macs_count_each_weight_once(layer: SlicedLogits) -> None:
    assert (layer.macs(level=0), layer.macs(level=1)) == (2 * 2 * 2 * 4, 2 * 2 * 5 * 4)


def test_the_config_makes_an_equal_layer(layer: SlicedLogits) -> None:
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, SlicedLogits)
    assert again.get_config() == layer.get_config()
