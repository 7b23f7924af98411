"""Whether a count of images may be chance: what small splits show must not be taken for more."""

from scipy.stats import binom

# One in a thousand: a bundle has several sub-networks, and none may be refused for bad luck.
SIGNIFICANCE = 0.001


def may_be_chance(count: int, *, of: int, probability: float) -> bool:
    """Whether so many hits or more in `of` independent tries are likelier than `SIGNIFICANCE`.

    probability: of a hit in each try, in [0, 1].
    """
    return bool(binom.sf(count - 1, of, probability) > SIGNIFICANCE)
