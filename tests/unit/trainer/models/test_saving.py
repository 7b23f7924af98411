from pathlib import Path

import numpy as np
import pytest

from tests.unit.trainer.models import backbones
from trainer.data import Dataset, Images
from trainer.errors import BackboneNotFound
from trainer.models import SlicedCNN, save_network
from trainer.tensorflow_setup import keras
from trainer.topology import Family, Topology

_NETWORKS = [
    *((Topology.of(2, family=family), "cnn") for family in Family),
    *((Topology.of(1, family=family), "ds-cnn") for family in Family),
    (Topology.of(2), "ds-cnn"),
    (Topology.of(2), backbones.PLAIN),
    (Topology.of(4, widths=(1.0,)), "cnn"),
    (Topology.of(4, widths=(1.0,)), backbones.PLAIN),
]


def _network(topology: Topology, architecture: str) -> SlicedCNN:
    network = SlicedCNN(
        (8, 8, 1),
        10,
        slots=topology.slots,
        widths=topology.widths,
        family=topology.family,
        slot_channels=4,
        architecture=architecture,
    )
    network.build()
    return network


@pytest.fixture
def images(digits: Dataset) -> Images:
    return digits.test.images[:16]


@pytest.mark.parametrize(("topology", "architecture"), _NETWORKS)
def test_a_saved_network_is_loaded_with_equal_outputs(
    topology: Topology, architecture: str, images: Images, tmp_path: Path
) -> None:
    network = _network(topology, architecture)
    widest = [network.topology.widest()]
    network.logits(images, widest, learning=network.topology.blocks())  # moves the statistics
    save_network(network, tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert loaded.get_config() == network.get_config()
    for name, logits in network(images).items():
        np.testing.assert_array_equal(loaded(images)[name], logits)


def test_a_network_whose_backbone_is_gone_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_network(_network(Topology.of(1), backbones.PLAIN), tmp_path / "network.keras")
    monkeypatch.delattr(backbones, "plain")
    with pytest.raises(BackboneNotFound, match="has no 'plain'"):
        keras.models.load_model(tmp_path / "network.keras")


def test_a_network_whose_backbone_has_changed_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_network(_network(Topology.of(1), backbones.PLAIN), tmp_path / "network.keras")
    plain = backbones.plain
    monkeypatch.setattr(backbones, "plain", lambda channels: plain(2 * channels))
    with pytest.raises(ValueError, match="could not be loaded"):
        keras.models.load_model(tmp_path / "network.keras")
