import numpy as np
import pytest

from trainer.data import Dataset
from trainer.models import Tower
from trainer.models.folded import FoldedConvolution


@pytest.mark.parametrize("dense", [False, True])
def test_a_folded_convolution_is_the_layer_with_its_normalisation(
    digits: Dataset, *, dense: bool
) -> None:
    tower = Tower((2, 3), 10, dense=dense)
    tower.build((None, 8, 8, 1))
    images = digits.test.images[:4]
    tower.features(images, 1, learning=(0, 1))  # moves the statistics off their first values
    first, *_ = tower.features(images, 1)
    for blocks in (range(1), range(1, 2), range(2)):
        weights = tower.folded_weights(0, blocks)
        folded = FoldedConvolution(weights, tower.pools_after(0))(images.astype(np.float32))
        expected = first[..., tower.head.span(blocks)]
        np.testing.assert_allclose(folded, expected, rtol=1e-4, atol=1e-5)


def test_a_narrow_level_does_not_depend_on_wider_blocks(digits: Dataset) -> None:
    tower = Tower((2, 3), 10)
    tower.build((None, 8, 8, 1))
    images = digits.test.images[:4]
    by_level = tower.logits_by_level(images, (0, 1))
    np.testing.assert_allclose(tower(images, level=0), by_level[0], rtol=1e-4, atol=1e-5)
    for variable in tower.block_variables(1):
        variable.assign(variable + 1.0)
    np.testing.assert_array_equal(tower.logits_by_level(images, (0, 1))[0], by_level[0])
    assert not np.array_equal(tower(images), by_level[1])
