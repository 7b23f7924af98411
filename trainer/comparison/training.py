"""One training of a comparison: trained, exported, measured and timed. Imports TensorFlow."""

import time
from dataclasses import replace

import numpy as np

from fluid.bundle import Manifest
from trainer.comparison.contenders import STATIC, Training
from trainer.comparison.results import Result, device_macs
from trainer.comparison.stopwatch import Clock, Stopwatch
from trainer.data import Dataset
from trainer.observers import ObserverGroup
from trainer.pipeline import build_network, train_bundle
from trainer.tensorflow_setup import keras, seed_everything
from trainer.training.progress import TrainingObserver
from trainer.training.session import train
from trainer.training.settings import TrainingSettings

# A comparison reports what int8 costs; it does not refuse a network for it.
_ANY_INT8_DROP = 1.0


def train_contender(
    training: Training,
    dataset: Dataset,
    *,
    observer: TrainingObserver,
    clock: Clock = time.monotonic,
) -> Result:
    """Train and measure; clock: seconds since whenever. Raises as `train_bundle` does."""
    # Without this the graphs of all trainings pile up, and later ones would be slower.
    keras.utils.clear_session()
    stopwatch = Stopwatch(clock)
    trained = train_bundle(
        dataset,
        settings=training.settings,
        topology=training.contender.topology,
        algorithm=training.contender.algorithm,
        observer=ObserverGroup([stopwatch, observer]),
        max_int8_drop=_ANY_INT8_DROP,
    )
    manifest = trained.bundle.manifest
    float_accuracy, int8_accuracy = _accuracies(manifest)
    return Result(
        contender=training.contender.name,
        seed=training.settings.seed,
        passes=trained.report.epochs,
        wall_s=stopwatch.elapsed_s,
        float_accuracy=float_accuracy,
        int8_accuracy=int8_accuracy,
        device_macs=device_macs(manifest, training.contender.topology.widest().name),
        size_bytes=sum(stage.size_bytes for stage in manifest.stages),
        digest=trained.bundle.digest,
    )


def warm_up(dataset: Dataset, settings: TrainingSettings) -> None:
    """Train on one batch, so that what TensorFlow does once a process is in nobody's time."""
    split = dataset.train.take(np.arange(min(settings.batch_size, len(dataset.train))))
    seed_everything(settings.seed)  # kernels are chosen as they will be
    train(
        build_network(dataset, topology=STATIC.topology),
        replace(dataset, train=split, validation=split),
        settings=replace(settings, epochs=1, teacher_epochs=0),
        algorithm=STATIC.algorithm,
    )


def _accuracies(manifest: Manifest) -> tuple[dict[str, float], dict[str, float]]:
    """In float and in int8; training measures both of every sub-network."""
    in_float, in_int8 = {}, {}
    for each in manifest.subnetworks:
        if each.float_accuracy is None or each.int8_accuracy is None:
            raise ValueError(f"{manifest.name}: {each.name} was not measured")
        in_float[each.name] = each.float_accuracy
        in_int8[each.name] = each.int8_accuracy
    return in_float, in_int8
