import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.models.geometry import Geometry, block_channels, device_macs, equal_work_channels
from trainer.topology import Family, Topology

MNIST = Geometry((28, 28, 1), 10)


def test_mnist_is_pooled_twice_and_small_digits_once() -> None:
    assert MNIST.sizes == ((28, 28), (14, 14), (7, 7))
    assert Geometry((8, 8, 1), 10).sizes == ((8, 8), (4, 4), (4, 4))
    assert [MNIST.pools_after(index) for index in range(3)] == [True, True, False]


def test_macs_count_every_layer() -> None:
    convolutions = 9 * (28 * 28 * 1 * 16 + 14 * 14 * 32 * 16 + 7 * 7 * 32 * 16)
    assert MNIST.macs(read=32, written=16) == convolutions + 7 * 7 * 16 * 10


def test_a_static_networks_devices_share_its_work_evenly() -> None:
    whole = MNIST.macs(read=32, written=32)
    assert device_macs(MNIST, Topology.of(2, family=Family.STATIC), 16) == (whole / 2, whole / 2)


def test_a_dynamic_networks_upper_device_does_the_most_work() -> None:
    lower, upper = device_macs(MNIST, Topology.of(2, family=Family.DYNAMIC), 16)
    static, _ = device_macs(MNIST, Topology.of(2, family=Family.STATIC), 16)
    assert lower < upper == static


@pytest.mark.parametrize(
    ("slots", "family", "channels"),
    [
        (2, Family.STATIC, 16),
        (2, Family.DYNAMIC, 16),
        (2, Family.FLUID, 22),
        (4, Family.STATIC, 8),
        (4, Family.FLUID, 15),
        (3, Family.STATIC, 11),  # 32 is no multiple of 3
    ],
)
def test_a_decoupled_slot_may_have_more_channels_for_the_same_work(
    slots: int, family: Family, channels: int
) -> None:
    topology = Topology.of(slots, family=family)
    assert equal_work_channels(MNIST, topology, static_channels=32) == channels


@given(
    side=st.integers(4, 96),
    slots=st.integers(1, 6),
    family=st.sampled_from(Family),
    static=st.integers(1, 64),
)
def test_channels_are_the_most_within_the_static_networks_work(
    side: int, slots: int, family: Family, static: int
) -> None:
    geometry = Geometry((side, side, 3), 10)
    topology = Topology.of(slots, family=family)
    channels = equal_work_channels(geometry, topology, static_channels=static)
    share = -(-static // slots)
    (budget, *_) = device_macs(geometry, Topology.of(slots, family=Family.STATIC), share)
    assert max(device_macs(geometry, topology, channels)) <= budget
    assert max(device_macs(geometry, topology, channels + 1)) > budget


def test_blocks_add_up_to_the_widths() -> None:
    assert block_channels(22, (0.25, 0.5, 1.0)) == (6, 5, 11)


def test_a_width_without_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be cut"):
        block_channels(4, (0.1, 1.0))
