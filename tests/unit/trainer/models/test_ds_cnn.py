import pytest

from trainer.models import BlockTower
from trainer.models.ds_cnn import ds_cnn_block
from trainer.tensorflow_setup import keras


@pytest.mark.parametrize("side", [8, 32, 96])
def test_a_block_ends_in_one_mean_a_channel(side: int) -> None:
    shape: tuple[int | None, ...] = (None, side, side, 3)
    for layer in ds_cnn_block(3):
        shape = layer(keras.KerasTensor(shape)).shape
    assert shape == (None, 12)


def test_it_needs_less_work_than_plain_convolutions_would() -> None:
    tower = BlockTower([16], 10, backbone="ds-cnn")
    tower.build((None, 32, 32, 3))
    convolution = 32 * 32 * 9 * 3 * 16
    depthwise = 9 * (16**2 * 16 + 8**2 * 32 + 8**2 * 32 + 4**2 * 64)
    pointwise = 16**2 * 16 * 32 + 8**2 * 32 * 32 + 8**2 * 32 * 64 + 4**2 * 64 * 64
    assert tower.macs(0) == convolution + depthwise + pointwise + 64 * 10
    plain = 9 * pointwise
    assert depthwise + pointwise < plain / 5
