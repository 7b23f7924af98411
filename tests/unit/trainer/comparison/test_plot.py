from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from PIL import Image

from tests.unit.trainer.comparison.examples import comparison, result, two_seeds
from trainer.comparison.contenders import STATIC
from trainer.comparison.plot import draw_accuracies


def _series(axes: Axes) -> dict[str, ErrorbarContainer]:
    found = [each for each in axes.containers if isinstance(each, ErrorbarContainer)]
    return {str(each.get_label()): each for each in found}


def test_every_contender_has_a_series_of_its_sub_networks() -> None:
    (axes,) = draw_accuracies(two_seeds()).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["lower50", "100", "upper50"]
    heights = {
        name: np.asarray(series.lines[0].get_ydata(), dtype=float).tolist()
        for name, series in _series(axes).items()
    }
    assert list(heights) == ["static", "dynamic", "fluid nested-incremental", "fluid joint"]
    assert heights["static"] == pytest.approx([99.3])
    assert heights["dynamic"] == pytest.approx([91.0, 95.5])
    assert heights["fluid joint"] == pytest.approx([98.5, 99.2, 97.5])


def test_the_bars_go_from_the_least_to_the_greatest() -> None:
    (axes,) = draw_accuracies(two_seeds()).axes
    (bars,) = _series(axes)["dynamic"].lines[2]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [[90, 92], [95, 96]])


def test_a_contender_without_results_has_no_series() -> None:
    (axes,) = draw_accuracies(comparison(result(STATIC))).axes
    assert list(_series(axes)) == ["static"]


def test_the_plot_is_a_readable_picture(tmp_path: Path) -> None:
    draw_accuracies(two_seeds()).savefig(tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 400


def test_without_any_result_there_is_an_empty_plot(tmp_path: Path) -> None:
    draw_accuracies(comparison()).savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 0
