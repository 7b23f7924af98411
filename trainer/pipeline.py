"""From the name of a data set to a bundle: the whole of `fluid train` but the command line."""

from importlib.metadata import version

from fluid.bundle import Bundle
from fluid.interpreter import find_interpreter
from trainer.data import Dataset
from trainer.export import build_bundle
from trainer.models import SlicedCNN
from trainer.tensorflow_setup import seed_everything
from trainer.topology import Topology
from trainer.training.nested import train_nested
from trainer.training.progress import TrainingObserver
from trainer.training.settings import TrainingSettings


def train_bundle(
    dataset: Dataset,
    *,
    settings: TrainingSettings,
    topology: Topology | None = None,
    observer: TrainingObserver | None = None,
) -> Bundle:
    """Train, export and measure a network; by default of two slots (lower, upper) of two widths.

    The interpreter is looked for first, so that a missing one is not found out after training.
    Raises `InterpreterMissing`, `ExportError`, `ParityError`.
    """
    package = find_interpreter()
    seed_everything(settings.seed)
    network = build_network(dataset, topology=topology or Topology.of(2))
    report = train_nested(network, dataset, settings=settings, observer=observer)
    training = {
        "dataset": dataset.name,
        "seed": settings.seed,
        "epochs": settings.epochs,
        "rounds": settings.rounds,
        "batch_size": settings.batch_size,
        "best_round": report.best_round,
        "tensorflow": version("tensorflow"),
        "interpreter": package.description,
    }
    return build_bundle(network, dataset, package=package, training=training)


def build_network(dataset: Dataset, *, topology: Topology) -> SlicedCNN:
    """An untrained network for a data set, with its weights created."""
    network = SlicedCNN(
        dataset.image_shape,
        len(dataset.classes),
        slots=topology.slots,
        widths=topology.widths,
    )
    network.build()
    return network
