import numpy as np
import pytest

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage
from tests.trained import Trained, TrainedFamily
from trainer.data import Dataset
from trainer.errors import ParityError
from trainer.evaluation import load_stages
from trainer.export import assert_parity
from trainer.topology import Family, Topology
from trainer.training.measure import FloatEvaluator


def test_every_fluid_sub_network_answers_as_its_original(
    trained: Trained, bundle: Bundle, digits: Dataset, package: InterpreterPackage
) -> None:
    images = digits.test.images
    evaluator = FloatEvaluator(trained.network, trained.network.topology.sub_networks())
    exported = load_stages(bundle, package=package).logits(images)
    for name, original in evaluator.logits(images).items():
        assert_parity(name, original, exported[name], max_top1_drop=0.03)


@pytest.mark.parametrize("slots", [2, 4])
@pytest.mark.parametrize("family", [Family.DYNAMIC, Family.STATIC])
def test_a_network_that_is_cut_after_each_layer_still_answers_as_the_whole(
    trained_family: TrainedFamily,
    digits: Dataset,
    package: InterpreterPackage,
    family: Family,
    slots: int,
) -> None:
    widths = (1.0,) if slots == 4 else None
    result = trained_family(Topology.of(slots, widths=widths, family=family))
    images = digits.test.images
    topology = result.network.topology
    originals = FloatEvaluator(result.network, topology.sub_networks()).logits(images)
    exported = load_stages(result.bundle, package=package).logits(images)
    for name, original in originals.items():
        assert_parity(name, original, exported[name], max_top1_drop=0.04)
        # Two steps of quantisation more than a whole file has; the spread of the logits is > 5.
        assert np.abs(original - exported[name]).mean() < 0.05 * original.std()


def test_the_files_of_another_sub_network_are_found_out(
    trained: Trained, bundle: Bundle, digits: Dataset, package: InterpreterPackage
) -> None:
    images = digits.test.images
    lower = trained.network.topology.growth()[0]
    original = FloatEvaluator(trained.network, [lower]).logits(images)["lower25"]
    exported = load_stages(bundle, ["upper25"], package=package).logits(images)["upper25"]
    with pytest.raises(ParityError, match="lower25: its TFLite files disagree with Keras on"):
        assert_parity("lower25", original, exported, max_top1_drop=0.03)
