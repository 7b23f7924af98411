"""What every tower must do, whatever it is built from."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.unit.trainer.models.backbones import PLAIN
from trainer.data import Dataset, Images
from trainer.models import BlockTower, SlotTower, Tower, run_stage

_CHANNELS = (2, 3, 2)
_MAKERS: list[Callable[[], SlotTower]] = [
    lambda: Tower(_CHANNELS, 10),
    lambda: BlockTower(_CHANNELS, 10, backbone="ds-cnn"),
    lambda: BlockTower(_CHANNELS, 10, backbone=PLAIN),
]


@pytest.fixture(params=_MAKERS, ids=["cnn", "ds-cnn", "backbone"])
def tower(request: pytest.FixtureRequest) -> SlotTower:
    made: SlotTower = request.param()
    made.build((None, 8, 8, 1))
    return made


@pytest.fixture
def images(digits: Dataset) -> Images:
    return digits.test.images[:8]


def _logits(tower: SlotTower, images: Images) -> list[np.ndarray]:
    by_level = tower.logits_by_level(images, range(3))
    return [np.asarray(by_level[level]) for level in range(3)]


def test_a_level_does_not_depend_on_wider_blocks(tower: SlotTower, images: Images) -> None:
    before = _logits(tower, images)
    for variable in tower.block_variables(1):
        variable.assign(variable + 0.5)
    after = _logits(tower, images)
    assert [np.array_equal(*each) for each in zip(before, after, strict=True)] == [
        True,
        False,
        False,
    ]


def test_a_level_alone_yields_what_it_yields_on_the_way_to_a_wider_one(
    tower: SlotTower, images: Images
) -> None:
    for level, logits in enumerate(_logits(tower, images)):
        alone = tower.logits_by_level(images, [level])[level]
        np.testing.assert_allclose(alone, logits, rtol=1e-4, atol=1e-5)


def test_a_block_that_does_not_learn_stays_the_function_that_it_was(
    tower: SlotTower, images: Images
) -> None:
    before = _logits(tower, images)
    learning = tower.logits_by_level(images, range(3), learning=[1])
    # Normalised by the batch, it yields something else now, and has moved its statistics.
    np.testing.assert_array_equal(learning[0], before[0])
    assert not np.allclose(learning[1], before[1], rtol=1e-3)
    after = _logits(tower, images)
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])


def test_blocks_share_no_variable(tower: SlotTower) -> None:
    owned = [id(each) for block in range(3) for each in tower.block_variables(block)]
    assert len(owned) == len(set(owned))


def test_a_sub_model_computes_what_its_level_does_and_keeps_its_weights(
    tower: SlotTower, images: Images
) -> None:
    tower.logits_by_level(images, [2], learning=[0, 1, 2])  # statistics off their first values
    sub_models = [tower.sub_model("x", level, macs=7) for level in range(3)]
    expected = _logits(tower, images)
    for block in range(3):
        for variable in tower.block_variables(block):
            variable.assign(variable + 0.5)
    for sub_model, logits in zip(sub_models, expected, strict=True):
        assert (sub_model.name, sub_model.macs) == ("x", 7)
        np.testing.assert_allclose(run_stage(sub_model, images), logits, rtol=1e-4, atol=1e-5)
