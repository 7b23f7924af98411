"""Draws the accuracies of a comparison.

Imports Matplotlib, with no window system. Raises `DependencyMissing` on import if it is not
installed.
"""

from trainer.comparison.contenders import CONTENDERS
from trainer.comparison.results import Comparison
from trainer.comparison.spreads import int8_accuracy
from trainer.errors import DependencyMissing

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise DependencyMissing(
        "Matplotlib is not installed: pip install -c constraints.txt '.[trainer]' in the clone"
    ) from error

_INCHES = (8.0, 5.0)
# Told apart by shape too, and in colours that colour-blind readers tell apart (Okabe and Ito).
_STYLES = (("#000000", "s"), ("#E69F00", "D"), ("#0072B2", "o"), ("#009E73", "^"))
_BETWEEN_SERIES = 0.14


def draw_accuracies(comparison: Comparison) -> Figure:
    """int8 accuracy in percent by sub-network: the mean over the seeds, bars from least to
    greatest, one series a contender."""
    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.subplots()
    names = comparison.sub_networks()
    for number, (contender, (color, marker)) in enumerate(zip(CONTENDERS, _STYLES, strict=True)):
        offset = _BETWEEN_SERIES * (number - (len(CONTENDERS) - 1) / 2)
        found = [
            (place + offset, spread)
            for place, name in enumerate(names)
            if (spread := int8_accuracy(comparison, contender, name)) is not None
        ]
        if not found:
            continue
        axes.errorbar(
            [place for place, _ in found],
            [100 * spread.mean for _, spread in found],
            yerr=[
                [100 * (spread.mean - spread.least) for _, spread in found],
                [100 * (spread.greatest - spread.mean) for _, spread in found],
            ],
            label=contender.name,
            color=color,
            marker=marker,
            linestyle="none",
            capsize=3,
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("sub-network")
    axes.set_ylabel("int8 test accuracy (%)")
    axes.set_title(
        f"{comparison.dataset}, {comparison.passes} passes over the data: "
        f"mean, least and greatest of seeds {', '.join(map(str, comparison.seeds))}"
    )
    axes.grid(axis="y", color="0.9")
    if comparison.results:
        figure.legend(loc="outside lower center", ncols=len(CONTENDERS))
    return figure
