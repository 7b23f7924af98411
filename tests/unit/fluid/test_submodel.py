import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fluid.submodel import Logits, combine

LOGITS = hnp.arrays(
    np.float32, (2, 3), elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False)
)


@given(LOGITS)
def test_one_partial_is_its_own_sum(partial: Logits) -> None:
    assert combine([partial]).tobytes() == partial.tobytes()


@given(st.lists(LOGITS, min_size=1, max_size=4))
def test_sums_are_float32_and_add_up_in_the_order_given(partials: list[Logits]) -> None:
    total = combine(partials)
    assert total.dtype == np.float32
    for index in np.ndindex(2, 3):
        expected = np.float32(partials[0][index])
        for partial in partials[1:]:
            expected = np.float32(expected + partial[index])
        assert total[index] == expected


def test_the_order_matters_which_is_why_callers_keep_to_the_slots_order() -> None:
    large, small = np.full((1, 1), 1e8, np.float32), np.ones((1, 1), np.float32)
    assert combine([large, -large, small])[0, 0] == 1.0
    assert combine([large, small, -large])[0, 0] == 0.0


@given(st.lists(LOGITS, min_size=1, max_size=3))
def test_partials_are_left_as_they_were(partials: list[Logits]) -> None:
    before = [partial.copy() for partial in partials]
    combine(partials)
    assert all(np.array_equal(a, b) for a, b in zip(before, partials, strict=True))
