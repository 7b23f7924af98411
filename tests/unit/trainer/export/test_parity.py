import pytest

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage
from tests.trained import Trained
from trainer.data import Dataset
from trainer.errors import ParityError
from trainer.evaluation import load_sub_model
from trainer.export import assert_parity


def test_every_exported_file_answers_as_its_original(
    trained: Trained, bundle: Bundle, digits: Dataset, package: InterpreterPackage
) -> None:
    for spec in trained.network.topology.sub_models():
        exported = load_sub_model(bundle, spec.name, package=package)
        sub_model = trained.network.sub_model(spec)
        assert_parity(sub_model, exported, digits.test.images, max_top1_drop=0.03)


def test_the_file_of_another_sub_model_is_found_out(
    trained: Trained, bundle: Bundle, digits: Dataset, package: InterpreterPackage
) -> None:
    sub_model = trained.network.sub_model(trained.network.topology.sub_model(0, 0))
    exported = load_sub_model(bundle, "upper25", package=package)
    with pytest.raises(ParityError, match="lower25: its TFLite file disagrees with Keras on"):
        assert_parity(sub_model, exported, digits.test.images, max_top1_drop=0.03)
