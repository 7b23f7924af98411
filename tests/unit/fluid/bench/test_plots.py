from pathlib import Path

import pytest

from fluid.bench.figures import Reading, Results, Series, collect

pytest.importorskip("matplotlib")

PNG = b"\x89PNG"


def test_each_part_that_was_measured_is_drawn(tmp_path: Path) -> None:
    from fluid.bench.plots import draw_plots  # noqa: PLC0415 - only where Matplotlib is

    paper = collect(
        [
            Reading(("Fluid HT", "both online"), "images_per_s", 700.0),
            Reading(("Static", "only Master"), "images_per_s", 0.0, note="fails: no answer"),
        ]
    )
    scaling = collect([Reading(("HT", str(n)), "images_per_s", 100.0 * n) for n in (1, 2, 4)])
    names = ("offered_per_s", "answered_per_s", "ht_share", "accuracy", "p50_ms", "p99_ms")
    columns = {name: [0.5, None, 1.0] for name in names}
    load = collect(
        [
            Reading(("load step",), "lost", 0),
            Series(("load step",), {**columns, "at_s": [0.0, 0.5, 1.0]}),
        ]
    )
    results = Results(parts={"paper": paper, "scaling": scaling, "load": load})
    files = draw_plots(results, tmp_path)
    assert files == ("bench-paper.png", "bench-scaling.png", "bench-load.png")
    assert all((tmp_path / name).read_bytes().startswith(PNG) for name in files)


def test_nothing_is_drawn_of_what_was_not_measured(tmp_path: Path) -> None:
    from fluid.bench.plots import draw_plots  # noqa: PLC0415 - only where Matplotlib is

    assert draw_plots(Results(parts={"memory": collect([])}), tmp_path) == ()
    assert list(tmp_path.iterdir()) == []
