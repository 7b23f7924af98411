"""Whether an exported file still answers as its Keras original."""

import numpy as np

from fluid.submodel import SubModel
from trainer.data import Images
from trainer.errors import ParityError
from trainer.models import FloatSubModel


def assert_parity(
    sub_model: FloatSubModel, exported: SubModel, images: Images, *, max_top1_drop: float
) -> None:
    """Raise `ParityError` if the two disagree on the top class of too many images.

    exported: the file as it is served. images: uint8 (n, height, width, channels), real ones.
    max_top1_drop: share of the images, in [0, 1], on which they may disagree: accuracy can drop
    by no more than that, whatever the labels are.
    """
    wanted = sub_model.run(images).argmax(axis=1)
    got = exported.run(images).argmax(axis=1)
    disagreement = float(np.mean(wanted != got))
    if disagreement > max_top1_drop:
        raise ParityError(
            f"sub-model {sub_model.name}: its TFLite file disagrees with Keras on "
            f"{disagreement:.2%} of {len(images)} images; at most {max_top1_drop:.2%} may"
        )
