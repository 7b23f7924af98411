import pytest

from tests.trained import Trained
from trainer.data import Dataset
from trainer.models import device_macs
from trainer.pipeline import build_network, effective_settings, train_bundle
from trainer.topology import Family, Topology
from trainer.training.settings import Algorithm, TrainingSettings


def test_the_manifest_tells_how_the_network_was_trained(trained: Trained) -> None:
    manifest = trained.result.bundle.manifest
    assert manifest.algorithm == "nested-incremental"
    training = dict(manifest.training)
    assert training.pop("interpreter").split()[0] in ("ai-edge-litert", "tflite-runtime")
    assert training.pop("tensorflow")
    assert training == {
        "dataset": "digits",
        **TrainingSettings(epochs=10).to_json(),
        "architecture": "cnn",
        "slot_channels": 22,
        "best_round": trained.report.best_round,
        "epochs_run": 10,
    }


def test_settings_that_an_algorithm_has_no_use_for_are_not_told() -> None:
    settings = TrainingSettings(epochs=9, rounds=3, growth_epochs=2, teacher_epochs=4)
    joint = effective_settings(settings, Topology.of(2), Algorithm.JOINT)
    assert (joint.rounds, joint.growth_epochs, joint.teacher_epochs) == (1, 1, 4)
    static = Topology.of(2, family=Family.STATIC)
    assert effective_settings(settings, static, Algorithm.STATIC).teacher_epochs == 0


def test_an_algorithm_that_does_not_fit_is_refused_before_anything_is_trained(
    digits: Dataset,
) -> None:
    topology = Topology.of(2, family=Family.STATIC)
    with pytest.raises(ValueError, match="static is trained with static, not joint"):
        train_bundle(
            digits,
            settings=TrainingSettings(epochs=10_000),
            topology=topology,
            algorithm=Algorithm.JOINT,
        )


def test_equal_seeds_give_bundles_of_one_digest(digits: Dataset) -> None:
    settings = TrainingSettings(epochs=3, seed=7)
    static = Topology.of(1, family=Family.STATIC)
    digests = {
        train_bundle(digits, settings=settings, topology=static).bundle.digest for _ in range(2)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("slots", [2, 3, 4])
def test_by_default_no_device_works_more_than_its_share_of_the_static_network(
    digits: Dataset, slots: int
) -> None:
    work = {}
    for family in Family:
        network = build_network(digits, topology=Topology.of(slots, family=family))
        work[family] = device_macs(network.geometry, network.topology, network.slot_channels)
    assert len(set(work[Family.STATIC])) == 1
    budget = work[Family.STATIC][0]
    assert max(work[Family.DYNAMIC]) == budget
    assert 0.85 * budget < max(work[Family.FLUID]) <= budget
