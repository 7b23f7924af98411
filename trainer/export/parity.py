"""Whether exported files still answer as their Keras originals."""

import numpy as np
from numpy.typing import NDArray

from trainer.errors import ParityError
from trainer.export.chance import may_be_chance


def assert_parity(
    name: str,
    original: NDArray[np.float32],
    exported: NDArray[np.float32],
    *,
    max_top1_drop: float,
) -> None:
    """Raise `ParityError` if two sets of logits disagree on the top class of too many images.

    original, exported: logits (n, classes) of `name` in Keras and from the TFLite files as they
    are served, for the same real images. max_top1_drop: share of the images, in [0, 1], on which
    they may disagree: accuracy can drop by no more than that, whatever the labels are.
    """
    differs = original.argmax(axis=1) != exported.argmax(axis=1)
    disagreement = float(np.mean(differs))
    # In a small split a share varies: what a file that keeps to the limit may show is let pass.
    if disagreement > max_top1_drop and not may_be_chance(
        int(differs.sum()), of=len(differs), probability=max_top1_drop
    ):
        raise ParityError(
            f"{name}: its TFLite files disagree with Keras on {disagreement:.2%} of "
            f"{len(original)} images; at most {max_top1_drop:.2%} may"
        )
