import pytest

from tests.unit.trainer.models.backbones import PLAIN
from trainer.errors import ArchitectureError
from trainer.models import BlockTower, slot_channels
from trainer.models.geometry import block_channels
from trainer.topology import Family, Topology

_IMAGE = (16, 16, 3)


def _channels(architecture: str, topology: Topology, static_channels: int = 16) -> int:
    return slot_channels(
        architecture,
        topology,
        image_shape=_IMAGE,
        classes=10,
        static_channels=static_channels,
    )


def _work(architecture: str, blocks: tuple[int, ...]) -> int:
    tower = BlockTower(blocks, 10, backbone=architecture)
    tower.build((None, *_IMAGE))
    return tower.macs(len(blocks) - 1)


@pytest.mark.parametrize("architecture", ["ds-cnn", PLAIN])
@pytest.mark.parametrize("topology", [Topology.of(2), Topology.of(4, widths=(1.0,))])
def test_channels_are_the_most_within_the_static_networks_work(
    architecture: str, topology: Topology
) -> None:
    channels = _channels(architecture, topology)
    budget = _work(architecture, (16,)) / len(topology.slots)
    assert _work(architecture, block_channels(channels, topology.widths)) <= budget
    assert _work(architecture, block_channels(channels + 1, topology.widths)) > budget


def test_a_static_network_has_what_was_asked_for() -> None:
    assert _channels(PLAIN, Topology.of(1, family=Family.STATIC)) == 16


def test_cnn_is_counted_by_its_arithmetic() -> None:
    assert _channels("cnn", Topology.of(2, family=Family.DYNAMIC)) == 8


@pytest.mark.parametrize("architecture", ["cnn", PLAIN])
def test_too_few_channels_for_the_widths_are_refused(architecture: str) -> None:
    topology = Topology.of(2, widths=(0.01, 0.02, 1.0))
    with pytest.raises(ArchitectureError, match=r"cannot be cut into widths .*more channels"):
        _channels(architecture, topology, static_channels=4)


def test_where_even_the_fewest_channels_are_too_many_those_are_taken() -> None:
    topology = Topology.of(4, widths=(0.25, 0.5, 1.0))
    assert _work(PLAIN, (1, 1, 1)) > _work(PLAIN, (4,)) / 4
    assert _channels(PLAIN, topology, static_channels=4) == 3
