import numpy as np
import pytest

from tests.unit.trainer.models import backbones
from trainer.errors import BlockMisfit
from trainer.models import BlockTower


def _tower(function: str, channels: tuple[int, ...] = (2, 3)) -> BlockTower:
    tower = BlockTower(channels, 10, backbone=f"{backbones.NAME}:{function}")
    tower.build((None, 8, 8, 1))
    return tower


def test_a_layer_reads_the_one_before_it_in_its_block_and_in_narrower_ones() -> None:
    tower = _tower("plain")
    read = [
        [block.parts[0].layers[0].kernel.shape[2], block.parts[1].depthwise_kernel.shape[2]]
        for block in tower.blocks
    ]
    assert read == [[1, 2], [1, 2 + 3]]


def test_the_head_reads_every_block_with_weights_of_its_own() -> None:
    tower = _tower("plain")
    kernels = [[tuple(each.shape) for each in tower.head.block_variables(b)] for b in (0, 1)]
    assert kernels == [[(4, 1, 4, 10), (10,)], [(4, 1, 6, 10), (10,)]]


def test_pixels_are_scaled_to_one() -> None:
    tower = _tower("plain")
    white = np.full((1, 8, 8, 1), 255, dtype=np.uint8)
    read = tower.rescaling(white)
    np.testing.assert_allclose(read, np.ones((1, 8, 8, 1)), rtol=1e-6)


def test_a_level_costs_its_blocks_and_its_share_of_the_head() -> None:
    tower = _tower("plain")
    narrow = 16 * 9 * 1 * 2 + 4 * (9 * 2 + 2 * 4) + 4 * 4 * 10
    added = 16 * 9 * 1 * 3 + 4 * (9 * 5 + 5 * 6) + 4 * 6 * 10
    assert [tower.macs(0), tower.macs(1)] == [narrow, narrow + added]


@pytest.mark.parametrize("function", ["flattens_for_a_dense_layer", "uses_its_own_layer"])
def test_other_layers_work_too(function: str) -> None:
    logits = _tower(function)(np.zeros((5, 8, 8, 1), dtype=np.uint8))
    assert logits.shape == (5, 10)


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        ("pools_wide_blocks_more", r"cannot be joined after layer 1, which yields maps of \[\(3"),
        ("is_deeper_where_it_is_wider", r"\(2, 3\) channels cannot be joined: .* 2 and 3 layers"),
    ],
)
def test_blocks_that_cannot_be_joined_are_refused(function: str, complaint: str) -> None:
    with pytest.raises(BlockMisfit, match=complaint):
        _tower(function)


def test_too_small_an_image_is_refused() -> None:
    with pytest.raises(BlockMisfit, match="cannot read 8x8x1: the image is too small"):
        _tower("needs_a_large_image")
