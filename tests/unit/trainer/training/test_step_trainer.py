import numpy as np
import pytest

from trainer.data import Dataset
from trainer.models import SlicedCNN
from trainer.pipeline import build_network
from trainer.tensorflow_setup import seed_everything
from trainer.topology import Block, Topology
from trainer.training.curriculum import Step, alone_pass, incremental_pass
from trainer.training.step_trainer import StepTrainer

_TOPOLOGY = Topology.of(2)


@pytest.fixture
def network(digits: Dataset) -> SlicedCNN:
    seed_everything(1)
    return build_network(digits, topology=_TOPOLOGY)


def _trainer(network: SlicedCNN, step: Step) -> StepTrainer:
    return StepTrainer(network, step, batch_size=32, batches=8, learning_rate=1e-2)


@pytest.mark.parametrize(
    "step", [incremental_pass(_TOPOLOGY, epochs=1)[2], alone_pass(_TOPOLOGY, epochs=1)[1]]
)
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


def test_the_loss_falls(network: SlicedCNN, digits: Dataset) -> None:
    trainer = _trainer(network, incremental_pass(_TOPOLOGY, epochs=1)[0])
    images, labels = digits.train.images[:128], digits.train.labels[:128]
    losses = [trainer.train_epoch(images, labels) for _ in range(2)]
    assert losses[1] < losses[0]


def test_a_started_trainer_remembers_nothing_of_the_round_before(
    network: SlicedCNN, digits: Dataset
) -> None:
    images, labels = digits.train.images[:64], digits.train.labels[:64]
    trainer = _trainer(network, incremental_pass(_TOPOLOGY, epochs=1)[0])
    weights = network.get_weights()
    first = trainer.train_epoch(images, labels)
    once = network.block_variables([Block(0, 0)])[0].numpy()
    network.set_weights(weights)
    trainer.start()
    assert trainer.train_epoch(images, labels) == pytest.approx(first, rel=1e-5)
    again = network.block_variables([Block(0, 0)])[0].numpy()
    np.testing.assert_allclose(again, once, rtol=1e-4, atol=1e-6)


def test_a_short_last_batch_is_filled_up(network: SlicedCNN, digits: Dataset) -> None:
    trainer = _trainer(network, incremental_pass(_TOPOLOGY, epochs=1)[0])
    loss = trainer.train_epoch(digits.train.images[:5], digits.train.labels[:5])
    assert np.isfinite(loss)
