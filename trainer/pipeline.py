"""From a data set to a bundle: the whole of `fluid train` but the command line."""

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage, find_interpreter
from trainer.architecture import CNN, STATIC_CHANNELS, check_architecture
from trainer.data import Dataset
from trainer.export import build_bundle, rehearse_export
from trainer.models import SlicedCNN, find_backbone, slot_channels
from trainer.tensorflow_setup import seed_everything
from trainer.topology import Family, Topology
from trainer.training.progress import TrainingObserver
from trainer.training.session import TrainingReport, train
from trainer.training.settings import Algorithm, TrainingSettings, algorithm_for
from trainer.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """What a training yields: the bundle, the Keras network that it was made of, and its story."""

    bundle: Bundle
    network: SlicedCNN
    report: TrainingReport


def train_bundle(  # noqa: PLR0913 - all but the data are keywords, and have defaults or one owner
    dataset: Dataset,
    *,
    settings: TrainingSettings,
    topology: Topology | None = None,
    algorithm: Algorithm | None = None,
    observer: TrainingObserver | None = None,
    resume: Snapshot | None = None,
    max_int8_drop: float | None = None,
    keep_best_epoch: bool = False,
    architecture: str = CNN,
    static_channels: int = STATIC_CHANNELS,
) -> TrainingResult:
    """Train, export and measure a network; by default fluid, of two slots of two widths.

    algorithm: None for the family's own. architecture: `cnn`, `ds-cnn` or, for a function that
    builds blocks, `package.module:function` (see `trainer.models.backbone`). static_channels: of
    the dense network whose work a device's share is equal to, see `build_network`.
    keep_best_epoch: see `train`. max_int8_drop: see `build_bundle`. The interpreter
    is looked for first, so that a missing one is not found out after training. Raises `ValueError`
    for an algorithm or an architecture that does not fit the family, and `InterpreterMissing`,
    `ArchitectureError`, `ResumeError`, `ExportError`, `ParityError`.
    """
    topology = topology or Topology.of(2)
    algorithm = algorithm_for(topology.family, algorithm)
    settings = effective_settings(settings, topology, algorithm)
    package = find_interpreter()
    check_architecture(architecture, topology)
    if architecture != CNN:
        # Imported now, and not again: a module of layers draws random numbers when it is.
        find_backbone(architecture)
    seed_everything(settings.seed)
    network = build_network(
        dataset, topology=topology, static_channels=static_channels, architecture=architecture
    )
    if architecture != CNN:
        rehearse_export(network, dataset)
    report = train(
        network,
        dataset,
        settings=settings,
        algorithm=algorithm,
        teacher=_teacher(dataset, network, static_channels=static_channels)
        if settings.teacher_epochs
        else None,
        observer=observer,
        resume=resume,
        keep_best_epoch=keep_best_epoch,
    )
    bundle = build_bundle(
        network,
        dataset,
        algorithm=algorithm.value,
        package=package,
        training=_provenance(dataset, network, settings, report, package),
        max_int8_drop=max_int8_drop,
    )
    return TrainingResult(bundle, network, report)


def effective_settings(
    settings: TrainingSettings, topology: Topology, algorithm: Algorithm
) -> TrainingSettings:
    """The settings with what an algorithm has no use for at its neutral value.

    So equal trainings have equal provenance. The baselines have no teacher: theirs is the plain
    form of their papers.
    """
    if topology.family is not Family.FLUID:
        settings = replace(settings, teacher_epochs=0)
    if algorithm is not Algorithm.NESTED_INCREMENTAL:
        settings = replace(settings, rounds=1, growth_epochs=1)
    return settings


def build_network(
    dataset: Dataset,
    *,
    topology: Topology,
    static_channels: int = STATIC_CHANNELS,
    architecture: str = CNN,
) -> SlicedCNN:
    """An untrained network for a data set, with its weights created.

    It has as many channels as keep each device's work within its share of the work of a static
    network of the same architecture and of so many channels. Raises `ArchitectureError`, and
    `ValueError` for an architecture that does not fit the family.
    """
    check_architecture(architecture, topology)
    classes = len(dataset.classes)
    channels = slot_channels(
        architecture,
        topology,
        image_shape=dataset.image_shape,
        classes=classes,
        static_channels=static_channels,
    )
    network = SlicedCNN(
        dataset.image_shape,
        classes,
        slots=topology.slots,
        widths=topology.widths,
        family=topology.family,
        slot_channels=channels,
        architecture=architecture,
    )
    network.build()
    return network


def _teacher(dataset: Dataset, network: SlicedCNN, *, static_channels: int) -> SlicedCNN:
    """A dense network. Only `cnn` can be dense over several slots; for a teacher, who is not
    served, it makes no difference."""
    slots = network.topology.slots if network.architecture == CNN else ("whole",)
    return build_network(
        dataset,
        topology=Topology(slots, (1.0,), Family.STATIC),
        static_channels=static_channels,
        architecture=network.architecture,
    )


def _provenance(
    dataset: Dataset,
    network: SlicedCNN,
    settings: TrainingSettings,
    report: TrainingReport,
    package: InterpreterPackage,
) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        **settings.to_json(),
        "architecture": network.architecture,
        "slot_channels": network.slot_channels,
        "best_round": report.best_round,
        "epochs_run": report.epochs,
        "tensorflow": version("tensorflow"),
        "interpreter": package.description,
    }
