import numpy as np
import pytest

from trainer.layers import SlicedConv2D
from trainer.tensorflow_setup import keras


@pytest.fixture
def layer() -> SlicedConv2D:
    conv = SlicedConv2D((2, 3), 3, input_blocks=(1, 2))
    conv.build((None, 4, 4, 3))
    return conv


def _run(layer: SlicedConv2D, images: np.ndarray, level: int | None = None) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(layer(images, level=level)))


def test_a_narrow_level_is_the_first_channels_of_the_wide_one(layer: SlicedConv2D) -> None:
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    wide = _run(layer, images)
    narrow = _run(layer, images[..., :1], level=0)
    assert wide.shape == (2, 4, 4, 5)
    np.testing.assert_allclose(narrow, wide[..., :2], rtol=1e-5, atol=1e-6)


def test_a_wide_block_reads_the_narrow_one_and_not_the_other_way(layer: SlicedConv2D) -> None:
    kernel = keras.ops.convert_to_numpy(layer.kernel())
    assert kernel.shape == (3, 3, 3, 5)
    assert not kernel[:, :, 1:, :2].any()  # from wide to narrow
    assert kernel[:, :, :1, 2:].all()  # from narrow to wide


def test_each_block_owns_one_kernel(layer: SlicedConv2D) -> None:
    owned = [layer.block_variables(block) for block in (0, 1)]
    assert [[tuple(weight.shape) for weight in weights] for weights in owned] == [
        [(3, 3, 1, 2)],
        [(3, 3, 3, 3)],
    ]


def test_every_block_reads_the_whole_of_an_unsliced_input() -> None:
    layer = SlicedConv2D((2, 3), 3)
    layer.build((None, 4, 4, 1))
    assert keras.ops.convert_to_numpy(layer.kernel()).all()


def test_the_config_makes_an_equal_layer(layer: SlicedConv2D) -> None:
    again = SlicedConv2D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.block_channels, again.input_blocks, again.kernel_size) == ((2, 3), (1, 2), 3)


def test_blocks_must_match_the_inputs() -> None:
    with pytest.raises(ValueError, match="1 input blocks for 2"):
        SlicedConv2D((2, 3), 3, input_blocks=(3,))
