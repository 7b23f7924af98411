"""Draws what a training came to, as PNG files.

Imports Matplotlib, with no window system: figures are drawn straight into files. Raises
`DependencyMissing` on import if it is not installed.
"""

import warnings
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluid.bundle import Bundle, Manifest
from fluid.interpreter import find_interpreter
from trainer.data import Split
from trainer.errors import DependencyMissing
from trainer.evaluation import load_stages
from trainer.observers import History

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise DependencyMissing(
        "Matplotlib is not installed: pip install -c constraints.txt '.[trainer]' in the clone"
    ) from error

_TEACHER_ROUND = 0
_INCHES = (8.0, 5.0)
_MOST_NUMBERED_CLASSES = 20


def draw_plots(folder: Path, *, history: History, bundle: Bundle, test: Split) -> tuple[Path, ...]:
    """Draw learning curves, accuracies and the confusion matrix; returns the files.

    The confusion matrix is of the largest sub-network, in int8, on the test split. Raises
    `OSError`, and `InterpreterMissing`.
    """
    figures = {
        "learning-curves.png": learning_curves(history),
        "accuracy.png": accuracy_bars(bundle.manifest),
        "confusion-matrix.png": confusion_figure(
            confusion_matrix(bundle, test), classes=bundle.manifest.classes
        ),
    }
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes, and nobody can help it here.
        warnings.filterwarnings("ignore", message="Glyph ")
        for name, figure in figures.items():
            figure.savefig(folder / name, dpi=120)
    return tuple(folder / name for name in figures)


def learning_curves(history: History) -> Figure:
    """Loss, and accuracy on validation by sub-network, over the epochs; steps are separated."""
    figure = Figure(figsize=(_INCHES[0], 1.5 * _INCHES[1]), layout="constrained")
    losses, accuracies = figure.subplots(2, 1, sharex=True)
    losses.plot([each.number for each in history], [each.loss for each in history], color="0.3")
    losses.set_ylabel("loss")
    losses.set_yscale("log")
    own = [each for each in history if each.round != _TEACHER_ROUND]
    names = list(dict.fromkeys(name for each in own for name in each.validation))
    for name in names:
        points = [
            (each.number, 100 * each.validation[name]) for each in own if name in each.validation
        ]
        accuracies.plot(*zip(*points, strict=True), label=name)
    accuracies.set_ylabel("validation accuracy (%)")
    accuracies.set_xlabel("epoch")
    if names:
        accuracies.legend(loc="lower right", ncols=2)
    _separate_steps(history, losses, accuracies)
    return figure


def accuracy_bars(manifest: Manifest) -> Figure:
    """Accuracy on the test split of each sub-network, float and int8."""
    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.subplots()
    names = [each.name for each in manifest.subnetworks]
    places = np.arange(len(names))
    shown: list[float] = []
    for offset, (label, accuracies) in enumerate(
        {
            "float": [each.float_accuracy for each in manifest.subnetworks],
            "int8": [each.int8_accuracy for each in manifest.subnetworks],
        }.items()
    ):
        heights = [100 * (each or 0.0) for each in accuracies]
        bars = axes.bar(places + 0.4 * (offset - 0.5), heights, width=0.38, label=label)
        axes.bar_label(bars, fmt="%.1f", fontsize=8)
        shown += heights
    # The differences are what one looks for, and they are small beside the whole.
    axes.set_ylim(max(0.0, min(shown) - 2), 100.5)
    axes.set_xticks(places, names)
    axes.set_ylabel("test accuracy (%)")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def confusion_matrix(bundle: Bundle, split: Split) -> NDArray[np.int64]:
    """Counts (true class, answered class) of the sub-network with the most stages, in int8."""
    classes = len(bundle.manifest.classes)
    largest = max(
        bundle.manifest.subnetworks,
        key=lambda each: sum(bundle.manifest.stage(stage).macs or 0 for stage in each.stages),
    )
    runner = load_stages(bundle, {largest.name}, package=find_interpreter())
    answers = runner.logits(split.images)[largest.name].argmax(axis=1)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (split.labels, answers), 1)
    return counts


def confusion_figure(counts: NDArray[np.int64], *, classes: tuple[str, ...]) -> Figure:
    """A confusion matrix; its colours are shares of each true class."""
    side = max(_INCHES[1], 0.45 * len(classes) + 2)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    # A class may be called anything, `$5` and `$x^` among it: no formulas.
    axes.set_xticks(range(len(classes)), classes, rotation=60, ha="right", parse_math=False)
    axes.set_yticks(range(len(classes)), classes, parse_math=False)
    axes.set_xlabel("answered")
    axes.set_ylabel("true")
    if len(classes) <= _MOST_NUMBERED_CLASSES:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                color = "white" if shares[row, column] > 0.5 else "black"
                axes.text(
                    column, row, str(count), ha="center", va="center", color=color, fontsize=8
                )
    return figure


def _separate_steps(history: History, *all_axes: Any) -> None:
    """A line where a step ends, and its name at the top where there is room for it."""
    for (_, step), reports in groupby(history, key=lambda each: (each.round, each.step)):
        numbers = [each.number for each in reports]
        for axes in all_axes:
            axes.axvline(numbers[-1] + 0.5, color="0.85", linewidth=0.8, zorder=0)
        middle = (numbers[0] + numbers[-1]) / 2
        all_axes[0].annotate(
            step,
            (middle, 1.01),
            xycoords=("data", "axes fraction"),
            ha="left",
            rotation=45,
            fontsize=7,
        )
