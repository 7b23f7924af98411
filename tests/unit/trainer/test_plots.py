from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from PIL import Image

from fluid.bundle import Bundle
from tests.unit.trainer.observers.reports import report
from trainer.data import Dataset
from trainer.plots import (
    accuracy_bars,
    confusion_figure,
    confusion_matrix,
    draw_plots,
    learning_curves,
)

HISTORY = (
    report(1, {"100": 0.3}, step="teacher", in_round=0, loss=2.0),
    report(2, {"lower50": 0.5, "100": 0.1}, step="lower50", loss=1.5),
    report(3, {"lower50": 0.6, "100": 0.7}, loss=1.0),
)


def test_every_plot_is_a_readable_picture(bundle: Bundle, digits: Dataset, tmp_path: Path) -> None:
    files = draw_plots(tmp_path, history=HISTORY, bundle=bundle, test=digits.test)
    assert [file.name for file in files] == [
        "learning-curves.png",
        "accuracy.png",
        "confusion-matrix.png",
    ]
    for file in files:
        with Image.open(file) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 400


def test_classes_are_drawn_by_any_name(bundle: Bundle, digits: Dataset, tmp_path: Path) -> None:
    names = ("$x^", "$\\frac$", "猫", "_", "", "%d", "$5", "a\\b", "[red]", "🐈")
    named = replace(bundle.manifest, classes=names)
    draw_plots(tmp_path, history=HISTORY, bundle=Bundle(named, bundle.models), test=digits.test)
    (axes,) = confusion_figure(np.eye(10, dtype=np.int64), classes=names).axes
    assert tuple(label.get_text() for label in axes.get_xticklabels()) == names


def _points(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata())]


def test_the_curves_are_the_networks_and_leave_its_teacher_out() -> None:
    losses, accuracies = learning_curves(HISTORY).axes
    np.testing.assert_allclose(_points(losses.lines[0]), [(1, 2.0), (2, 1.5), (3, 1.0)])
    curves = {line.get_label(): _points(line) for line in accuracies.lines}
    np.testing.assert_allclose(curves["lower50"], [(2, 50), (3, 60)])
    np.testing.assert_allclose(curves["100"], [(2, 10), (3, 70)])


def test_the_bars_are_the_manifests_accuracies(bundle: Bundle) -> None:
    (axes,) = accuracy_bars(bundle.manifest).axes
    heights = [bar.get_height() / 100 for bar in axes.patches if isinstance(bar, Rectangle)]
    subnetworks = bundle.manifest.subnetworks
    assert heights == pytest.approx(
        [each.float_accuracy for each in subnetworks] + [each.int8_accuracy for each in subnetworks]
    )


def test_the_confusion_matrix_counts_every_image_once(bundle: Bundle, digits: Dataset) -> None:
    counts = confusion_matrix(bundle, digits.test)
    assert counts.sum(axis=1).tolist() == np.bincount(digits.test.labels).tolist()
    (whole,) = (each for each in bundle.manifest.subnetworks if each.name == "100")
    assert np.trace(counts) / counts.sum() == pytest.approx(whole.int8_accuracy)
