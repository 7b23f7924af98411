"""Draws the paper's figure, scaling and the load step.

Imports Matplotlib, with no window system; ImportError where it is not installed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Drawing

from fluid.bench.figures import PartResults, Results
from fluid.bench.paper import CONTENDERS, SITUATIONS

_INCHES = (8.0, 4.5)
# Colours that colour-blind readers tell apart (Okabe and Ito).
_COLORS = ("#000000", "#E69F00", "#D55E00", "#0072B2", "#009E73")
_MARKERS = ("o", "s")
_BAR = 0.16


def draw_plots(results: Results, folder: Path) -> tuple[str, ...]:
    """Draw what can be drawn into `folder`; the files' names."""
    drawings = {
        "bench-paper.png": ("paper", _paper),
        "bench-scaling.png": ("scaling", _scaling),
        "bench-load.png": ("load", _load),
    }
    drawn = []
    for name, (part, draw) in drawings.items():
        if part in results.parts and results.parts[part].figures:
            drawing = Drawing(figsize=_INCHES, layout="constrained")
            draw(results.parts[part], drawing)
            drawing.savefig(folder / name, dpi=120, metadata={"Software": None})
            drawn.append(name)
    return tuple(drawn)


def _paper(part: PartResults, drawing: Drawing) -> None:
    """Images a second as bars, grouped by which devices are online."""
    axes = drawing.subplots()
    for number, (contender, color) in enumerate(zip(CONTENDERS, _COLORS, strict=True)):
        offset = _BAR * (number - (len(CONTENDERS) - 1) / 2)
        found = [
            (place + offset, figure)
            for place, situation in enumerate(SITUATIONS)
            if (figure := part.find((contender.name, situation), "images_per_s")) is not None
        ]
        axes.bar(
            [place for place, _ in found],
            [figure.median for _, figure in found],
            width=_BAR,
            yerr=[figure.sample.spread / 2 for _, figure in found],
            label=contender.name,
            color=color,
        )
    axes.set_xticks(range(len(SITUATIONS)), list(SITUATIONS))
    axes.set_ylabel("images/s")
    axes.set_title("Throughput by which devices are online (no bar: fails)")
    drawing.legend(loc="outside lower center", ncols=len(CONTENDERS))


def _scaling(part: PartResults, drawing: Drawing) -> None:
    """Images a second by the number of agents, and what linear would be."""
    axes = drawing.subplots()
    cases = part.cases("images_per_s")
    modes = sorted({case[0] for case in cases}, reverse=True)
    for mode, color, marker in zip(modes, _COLORS[3:], _MARKERS, strict=False):
        points = sorted(_points(part, mode))
        counts = [count for count, _ in points]
        axes.plot(counts, [rate for _, rate in points], marker=marker, color=color, label=mode)
        # As the efficiency: from one agent in HT, from two in HA.
        linear = next((p for p in points if p[0] == (1 if mode == "HT" else 2)), None)
        if linear is not None:
            line = [count * linear[1] / linear[0] for count in counts]
            axes.plot(counts, line, linestyle=":", color=color, label=f"{mode}, linear")
    axes.set_xlabel("agents")
    axes.set_ylabel("images/s")
    axes.set_ylim(bottom=0)
    axes.set_title("Scaling")
    axes.legend()


def _points(part: PartResults, mode: str) -> Iterator[tuple[int, float]]:
    for case in part.cases("images_per_s"):
        figure = part.find(case, "images_per_s")
        if case[0] == mode and figure is not None:
            yield int(case[1]), figure.median


def _load(part: PartResults, drawing: Drawing) -> None:
    """Rates, mode and accuracy, and latency over the time of the first repetition."""
    if not part.series:
        return
    columns = part.series[0].columns
    times: Any = columns["at_s"]

    def floats(name: str) -> list[float]:
        """A gap in the line where there is nothing."""
        return [float("nan") if value is None else float(value) for value in columns[name]]

    rates, shares, latencies = drawing.subplots(3, 1, sharex=True)
    rates.plot(times, floats("offered_per_s"), color=_COLORS[0], label="asked")
    rates.plot(times, floats("answered_per_s"), color=_COLORS[3], label="answered")
    rates.set_ylabel("images/s")
    rates.legend(loc="upper right")
    shares.plot(times, floats("ht_share"), color=_COLORS[4], label="share of HT")
    shares.plot(times, floats("accuracy"), color=_COLORS[2], label="accuracy")
    shares.set_ylim(-0.05, 1.05)
    shares.legend(loc="center right")
    latencies.semilogy(times, floats("p50_ms"), color=_COLORS[3], label="p50")
    latencies.semilogy(times, floats("p99_ms"), color=_COLORS[1], label="p99")
    latencies.set_ylabel("ms")
    latencies.set_xlabel("s")
    latencies.legend(loc="upper right")
