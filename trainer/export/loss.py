"""Whether a sub-network loses accuracy in int8."""

import numpy as np
from numpy.typing import NDArray

from trainer.errors import QuantizationLoss
from trainer.export.chance import may_be_chance

USUAL_MAX_DROP = 0.005


def assert_little_loss(
    name: str, in_float: NDArray[np.bool_], in_int8: NDArray[np.bool_], *, max_drop: float | None
) -> None:
    """Raise `QuantizationLoss` if int8 costs more accuracy than `max_drop`.

    in_float, in_int8: (n,), whether each image is classified correctly, before and after.
    max_drop: None for the usual half a point, and a loss that may be chance is let pass. Of the
    images whose outcome changed, a harmless quantisation spoils one in two: more than that must be
    beyond chance (McNemar's exact test, one-sided), or a split of a few hundred images would refuse
    bundles for three images on the border between two classes. In a split of thousands the limit
    is well beyond chance and decides alone, as does one that somebody chose.
    """
    limit = USUAL_MAX_DROP if max_drop is None else max_drop
    lost = int(np.count_nonzero(in_float & ~in_int8))
    gained = int(np.count_nonzero(~in_float & in_int8))
    drop = (lost - gained) / len(in_float)
    over = drop > limit + 1e-9  # a share of images is not exact in binary
    excused = max_drop is None and may_be_chance(lost, of=lost + gained, probability=0.5)
    if over and not excused:
        raise QuantizationLoss(
            f"sub-network {name} loses {drop:.2%} of accuracy in int8, more than {limit:.2%}: "
            "train for longer, or allow a larger drop"
        )
