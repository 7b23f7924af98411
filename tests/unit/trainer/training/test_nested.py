import numpy as np

from tests.trained import Trained
from trainer.data import Dataset
from trainer.training.measure import FloatEvaluator


def test_a_brief_training_learns_something_in_every_sub_network(
    trained: Trained, digits: Dataset
) -> None:
    accuracies = FloatEvaluator(trained.network, digits.test).accuracies(
        trained.network.topology.sub_networks()
    )
    assert set(accuracies) == {"lower25", "lower50", "75", "100", "upper25", "upper50"}
    assert min(accuracies.values()) > 0.5  # chance is 0.1


def test_the_network_is_left_with_the_weights_that_the_report_is_about(
    trained: Trained, digits: Dataset
) -> None:
    evaluator = FloatEvaluator(trained.network, digits.validation)
    sub_networks = trained.network.topology.sub_networks()
    assert evaluator.accuracies(sub_networks) == trained.report.validation
    assert trained.report.best_round in (1, 2)


def test_the_observer_hears_each_announced_epoch(trained: Trained) -> None:
    assert [step for step, _ in trained.heard] == [
        *("lower25", "lower50", "75", "100", "upper25", "upper50"),
        *["all"] * 4,
    ]
    assert trained.announced_epochs == len(trained.heard)


def test_accuracies_are_the_share_of_images_classified_correctly(
    trained: Trained, digits: Dataset
) -> None:
    spec = trained.network.topology.widest()
    accuracy = FloatEvaluator(trained.network, digits.test).accuracies([spec])[spec.name]
    partials = trained.network(digits.test.images)
    answers = np.argmax(partials["lower50"] + partials["upper50"], axis=1)
    assert accuracy == np.mean(answers == digits.test.labels)
