from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from trainer.data import Dataset, Images
from trainer.models import SlicedCNN
from trainer.pipeline import build_network
from trainer.tensorflow_setup import seed_everything, tf
from trainer.topology import Topology
from trainer.training.curriculum import Step, alone_pass, consolidation, incremental_pass
from trainer.training.settings import TrainingSettings
from trainer.training.step_trainer import StepTrainer, Teacher

_TOPOLOGY = Topology.of(2)
_GROWTH = incremental_pass(_TOPOLOGY, epochs=(1, 1, 1, 1))
_ONE_SLOT = Topology.of(1)
_SETTINGS = TrainingSettings(epochs=1, batch_size=32, learning_rate=1e-2)


@pytest.fixture
def network(digits: Dataset) -> SlicedCNN:
    seed_everything(1)
    return build_network(digits, topology=_TOPOLOGY)


@pytest.fixture
def small_network(digits: Dataset) -> SlicedCNN:
    seed_everything(1)
    return build_network(digits, topology=_ONE_SLOT, static_channels=8)


def _trainer(
    network: SlicedCNN,
    step: Step,
    *,
    images: int = 64,
    settings: TrainingSettings = _SETTINGS,
    teacher: Teacher | None = None,
) -> StepTrainer:
    return StepTrainer(network, step, settings=settings, images=images, teacher=teacher)


@pytest.mark.parametrize("step", [_GROWTH[2], alone_pass(_TOPOLOGY, epochs=1)[1]])
def test_only_the_blocks_of_the_step_change(
    network: SlicedCNN, digits: Dataset, step: Step
) -> None:
    before = {weight.path: weight.numpy() for weight in network.weights}
    _trainer(network, step).train_epoch(digits.train.images[:64], digits.train.labels[:64])
    changed = {
        weight.path
        for weight in network.weights
        if not np.array_equal(weight.numpy(), before[weight.path])
    }
    (block,) = step.learning
    slot = _TOPOLOGY.slots[block.slot]
    # Trainable or not (moving statistics): whatever changed is of the learning block.
    assert all(f"{slot}/" in path and path.endswith(f"_{block.level}") for path in changed)
    assert {variable.path for variable in network.block_variables([block])} <= changed


def test_the_loss_falls(small_network: SlicedCNN, digits: Dataset) -> None:
    trainer = _trainer(small_network, consolidation(_ONE_SLOT, epochs=1), images=128)
    images, labels = digits.train.images[:128], digits.train.labels[:128]
    losses = [trainer.train_epoch(images, labels) for _ in range(2)]
    assert losses[1] < losses[0]


def test_a_started_trainer_remembers_nothing_of_the_round_before(
    small_network: SlicedCNN, digits: Dataset
) -> None:
    images, labels = digits.train.images[:64], digits.train.labels[:64]
    trainer = _trainer(small_network, consolidation(_ONE_SLOT, epochs=1))
    weights = small_network.get_weights()
    first = trainer.train_epoch(images, labels)
    once = small_network.get_weights()
    small_network.set_weights(weights)
    trainer.start()
    assert trainer.train_epoch(images, labels) == pytest.approx(first, rel=1e-5)
    for one, another in zip(once, small_network.get_weights(), strict=True):
        np.testing.assert_allclose(another, one, rtol=1e-4, atol=1e-6)


def test_a_restored_trainer_goes_on_as_the_one_it_was_taken_from(
    small_network: SlicedCNN, digits: Dataset
) -> None:
    images, labels = digits.train.images[:64], digits.train.labels[:64]
    trainer = _trainer(small_network, consolidation(_ONE_SLOT, epochs=2))
    trainer.train_epoch(images, labels)
    weights, state = small_network.get_weights(), trainer.state()
    trainer.train_epoch(images, labels)
    once = small_network.get_weights()
    small_network.set_weights(weights)
    trainer.start()
    trainer.restore(state)
    trainer.train_epoch(images, labels)
    for one, another in zip(once, small_network.get_weights(), strict=True):
        np.testing.assert_allclose(another, one, rtol=1e-4, atol=1e-6)


def test_a_short_last_batch_is_filled_up(small_network: SlicedCNN, digits: Dataset) -> None:
    trainer = _trainer(small_network, consolidation(_ONE_SLOT, epochs=1), images=5)
    loss = trainer.train_epoch(digits.train.images[:5], digits.train.labels[:5])
    assert np.isfinite(loss)


def test_a_teacher_is_believed_more_than_labels_if_the_settings_say_so(
    small_network: SlicedCNN, digits: Dataset
) -> None:
    taught = 20 * tf.one_hot([3], 10)  # whatever the image is, it says "3"
    trainer = _trainer(
        small_network,
        consolidation(_ONE_SLOT, epochs=4),
        settings=replace(_SETTINGS, label_weight=0.01),
        teacher=lambda images: tf.repeat(taught, tf.shape(images)[0], axis=0),
    )
    images, labels = digits.train.images[:64], digits.train.labels[:64]
    for _ in range(4):
        trainer.train_epoch(images, labels)
    for answers in _answers(small_network, images).values():
        assert np.mean(answers == 3) > 0.9


def test_without_a_teacher_the_widest_learns_from_labels_and_teaches_the_rest(
    small_network: SlicedCNN, digits: Dataset
) -> None:
    epochs = 40
    trainer = _trainer(
        small_network,
        consolidation(_ONE_SLOT, epochs=epochs),
        # The narrower width hears of labels no more than a millionth.
        settings=replace(_SETTINGS, label_weight=1e-6),
    )
    images, labels = digits.train.images[:64], digits.train.labels[:64]
    for _ in range(epochs):
        trainer.train_epoch(images, labels)
    for answers in _answers(small_network, images).values():
        assert np.mean(answers == labels) > 0.9


def _answers(network: SlicedCNN, images: Images) -> dict[str, NDArray[np.intp]]:
    """By the statistics of these images, as in training."""
    topology = network.topology
    by_name = network.logits(images, topology.sub_networks(), learning=topology.blocks())
    return {name: np.argmax(logits, axis=1) for name, logits in by_name.items()}
