import pytest

from tests.unit.trainer.models import backbones
from trainer.errors import BackboneFailed, BlockMisfit
from trainer.models.backbone_block import BackboneBlock
from trainer.tensorflow_setup import keras


def _block(function: str) -> BackboneBlock:
    return BackboneBlock(f"{backbones.NAME}:{function}", 4)


def test_layers_are_built_one_after_the_other_and_counted() -> None:
    block = _block("plain")
    assert block.build_part(0, (None, 8, 8, 3)) == (None, 4, 4, 4)
    assert block.build_part(1, (None, 4, 4, 6)) == (None, 2, 2, 8)  # two of them another block's
    convolution = 4 * 4 * 9 * 3 * 4
    separable = 2 * 2 * (9 * 6 + 6 * 8)
    assert block.macs == convolution + separable


def test_a_layer_of_the_users_own_will_do() -> None:
    block = _block("uses_its_own_layer")
    block.build_part(0, (None, 8, 8, 3))
    assert block.build_part(1, (None, 3, 3, 4)) == (None, 3, 3, 4)


def test_a_layer_that_is_used_twice_is_refused() -> None:
    first, second = (_block("returns_the_same_layer_again") for _ in range(2))
    first.build_part(0, (None, 8, 8, 3))
    with pytest.raises(BackboneFailed, match=r"layer 1 has weights already: .* make new layers"):
        second.build_part(0, (None, 8, 8, 3))


def test_an_image_that_is_too_small_is_said_to_be() -> None:
    with pytest.raises(BlockMisfit, match="layer 1 cannot read 8x8x3: the image is too small"):
        _block("needs_a_large_image").build_part(0, (None, 8, 8, 3))
    pooling = BackboneBlock("ds-cnn", 4)
    with pytest.raises(BlockMisfit, match="layer 2 cannot read 1x1x4: the image is too small"):
        pooling.build_part(1, (None, 1, 1, 4))


def test_a_layer_that_cannot_read_what_is_before_it_is_blamed() -> None:
    pooled_already = BackboneBlock("ds-cnn", 4)
    with pytest.raises(BackboneFailed, match=r"layer 5, reading 16, raised ValueError: .*ndim"):
        pooled_already.build_part(4, (None, 16))


def test_the_config_makes_an_equal_block() -> None:
    block = _block("plain")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(block))
    assert isinstance(again, BackboneBlock)
    assert again.get_config() == block.get_config()
    assert len(again.parts) == 2
