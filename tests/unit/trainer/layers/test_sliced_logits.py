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


def test_the_heads_of_disjoint_blocks_add_up_to_the_whole(layer: SlicedLogits) -> None:
    total = np.zeros((6, 4), dtype=np.float32)
    for block in (0, 1):
        kernel, bias = layer.kernel_and_bias(range(block, block + 1))
        own = _FEATURES[..., layer.span(range(block, block + 1))]
        total += own.reshape(6, -1) @ np.asarray(kernel) + np.asarray(bias)
    np.testing.assert_allclose(layer(_FEATURES), total, rtol=1e-4, atol=1e-5)


def test_the_config_makes_an_equal_layer(layer: SlicedLogits) -> None:
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, SlicedLogits)
    assert again.get_config() == layer.get_config()
