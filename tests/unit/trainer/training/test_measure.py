import numpy as np

from tests.trained import Trained
from trainer.data import Dataset
from trainer.training.measure import FloatEvaluator


def test_accuracies_are_the_share_of_images_classified_correctly(
    trained: Trained, digits: Dataset
) -> None:
    spec = trained.network.topology.widest()
    accuracy = FloatEvaluator(trained.network, [spec]).accuracies(digits.test)[spec.name]
    answers = np.argmax(trained.network(digits.test.images)["100"], axis=1)
    assert accuracy == np.mean(answers == digits.test.labels)


def test_logits_come_in_the_order_of_the_images(trained: Trained, digits: Dataset) -> None:
    evaluator = FloatEvaluator(trained.network, trained.network.topology.sub_networks())
    images = np.concatenate([digits.train.images, digits.train.images[:5]])  # more than a chunk
    logits = evaluator.logits(images)
    assert set(logits) == {"lower25", "lower50", "75", "100", "upper25", "upper50"}
    for each in logits.values():
        np.testing.assert_allclose(each[-5:], each[:5], rtol=1e-4, atol=1e-4)
