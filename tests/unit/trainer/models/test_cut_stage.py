import numpy as np
import pytest

from trainer.models import CutStage, run_stage
from trainer.models.cut_stage import FEATURE_MAXIMUM
from trainer.models.folded import FoldedConvolution, FoldedHead, Weights

_RNG = np.random.default_rng(0)


def _stage(*, head: bool) -> CutStage:
    kernel = _RNG.normal(size=(3, 3, 3, 4)).astype(np.float32)
    head_kernel = _RNG.normal(size=(2 * 2 * 4, 10)).astype(np.float32)
    return CutStage(
        "stage",
        inputs=("a", "b"),
        input_shapes=[(4, 4, 1), (4, 4, 2)],
        output="c",
        convolution=FoldedConvolution(
            Weights(kernel, np.zeros(4, dtype=np.float32)), pools=True, capped=not head
        ),
        head=FoldedHead(Weights(head_kernel, np.zeros(10, dtype=np.float32))) if head else None,
        macs=0,
    )


def _inputs(size: float) -> list[np.ndarray]:
    return [_RNG.uniform(0, size, (5, 4, 4, c)).astype(np.float32) for c in (1, 2)]


def test_a_feature_map_is_pooled_and_ends_at_the_maximum() -> None:
    features = run_stage(_stage(head=False), *_inputs(100))
    assert features.shape == (5, 2, 2, 4)
    assert (features.min(), features.max()) == (0, FEATURE_MAXIMUM)


def test_the_last_stage_yields_logits_that_nothing_cuts_off() -> None:
    logits = run_stage(_stage(head=True), *_inputs(100))
    assert logits.shape == (5, 10)
    assert np.abs(logits).max() > FEATURE_MAXIMUM


def test_inputs_are_told_apart_by_their_order() -> None:
    stage = _stage(head=False)
    first, second = _inputs(1)
    swapped = [second[..., :1], np.concatenate([first, second[..., 1:]], axis=-1)]
    assert run_stage(stage, first, second) != pytest.approx(run_stage(stage, *swapped))
