"""What was promised, and whether a run keeps it. Pure.

Only what was measured is judged: a run of one part says nothing of the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fluid.bench import load, memory, overhead, paper
from fluid.bench.figures import PartResults, Results
from fluid.bench.measures import FAILS
from fluid.messages.control import Mode

_ACCURACY_POINTS = 0.1
_RESIDENT_MB, _MORE_THAN_INTERPRETER_MB = 60.0, 25.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise. holds: None where it was not measured."""

    promised: str
    measured: str
    bar: str
    holds: bool


def bars(results: Results) -> tuple[Bar, ...]:
    """All promises about what was measured."""
    of_part = {
        "paper": _paper,
        "scaling": _scaling,
        "overhead": _overhead,
        "load": _load,
        "failover": _failover,
        "memory": _memory,
    }
    return tuple(
        bar
        for name, part in results.parts.items()
        if name in of_part
        for bar in of_part[name](part)
    )


def _paper(part: PartResults) -> Iterator[Bar]:
    for name, least in (
        ("ht_over_dynamic", 1.95),
        ("ht_over_static", 2.5),
        ("ha_over_static", 1.5),
    ):
        if name in part.ratios:
            measured = part.ratios[name]
            words = name.replace("_over_", " over ").replace("ht", "HT").replace("ha", "HA")
            yield Bar(
                f"images/s of {words}", f"{measured:.2f}", f"at least {least}", measured >= least
            )
    static = part.find((paper.STATIC.name, paper.BOTH), "accuracy")
    fluid = part.find((paper.FLUID_HA.name, paper.BOTH), "accuracy")
    if static is not None and fluid is not None:
        points = 100 * (static.median - fluid.median)
        yield Bar(
            "accuracy of HA below Static",
            f"{points:.2f} points",
            f"at most {_ACCURACY_POINTS} points",
            points <= _ACCURACY_POINTS + 1e-9,
        )
    may_fail = {
        paper.STATIC.name: {"only Master", "only Worker"},
        paper.DYNAMIC.name: {"only Worker"},
        paper.DYNAMIC_ALONE.name: {"only Worker"},
    }
    for contender in paper.CONTENDERS:
        failed = set(_failed(part, contender.name))
        if any(case[0] == contender.name for case in part.cases("images_per_s")):
            expected = may_fail.get(contender.name, set())
            yield Bar(
                f"{contender.name} fails", _listed(failed), _listed(expected), failed == expected
            )


def _failed(part: PartResults, contender: str) -> Iterator[str]:
    for case in part.cases("images_per_s"):
        figure = part.find(case, "images_per_s")
        if case[0] == contender and figure and any(n.startswith(FAILS) for n in figure.notes):
            yield case[1]


def _scaling(part: PartResults) -> Iterator[Bar]:
    for count, least in ((4, 0.95), (8, 0.90)):
        for mode in (Mode.HT, Mode.HA):
            figure = part.find((mode.value.upper(), str(count)), "efficiency")
            if figure is not None:
                yield Bar(
                    f"{count} agents in {mode.value.upper()} against linear",
                    f"{figure.median:.3f}",
                    f"at least {least:.2f}",
                    figure.median >= least,
                )


def _overhead(part: PartResults) -> Iterator[Bar]:
    for model, batch, least in (
        (overhead.FLUID_MODEL, 32, 0.90),
        (overhead.FLUID_MODEL, 1, 0.40),
        (overhead.SLOW_MODEL, 1, 0.97),
    ):
        figure = part.find((model, str(batch)), "of_bare")
        if figure is not None:
            yield Bar(
                f"{model} model, {batch} a message, of the bare interpreter",
                f"{figure.median:.3f}",
                f"at least {least:.2f}",
                figure.median >= least,
            )


def _load(part: PartResults) -> Iterator[Bar]:
    lost, errors = part.find(load.CASE, "lost"), part.find(load.CASE, "errors")
    if lost is not None and errors is not None:
        most = max(lost.sample.values) + max(errors.sample.values)
        yield Bar(
            "load step: requests lost, or answered with an error", f"{most:.0f}", "0", most == 0
        )
    to_ht = part.find(load.CASE, "to_ht_s")
    switches = part.find(load.CASE, "switches_to_ht")
    if switches is not None:
        slowest = max(to_ht.sample.values) if to_ht else None
        yield Bar(
            "load step: in HT after the overload began",
            "never" if slowest is None else f"{slowest:.1f} s",
            "within 2 s",
            slowest is not None and slowest <= 2.0,
        )
    for mode in (Mode.HT, Mode.HA):
        figure = part.find(load.CASE, f"switches_to_{mode}")
        if figure is not None:
            measured = figure.sample.values
            yield Bar(
                f"load step: switches to {mode.value.upper()}",
                f"{min(measured):.0f} to {max(measured):.0f}",
                "1",
                set(measured) == {1.0},
            )


def _failover(part: PartResults) -> Iterator[Bar]:
    for case in part.cases("lost"):
        figure = part.find(case, "lost")
        if figure is not None:
            most = max(figure.sample.values)
            yield Bar(f"{', '.join(case)}: requests lost", f"{most:.0f}", "0", most == 0)


def _memory(part: PartResults) -> Iterator[Bar]:
    busy = part.find((memory.BUSY,), "resident_mb")
    alone = part.find((memory.INTERPRETER,), "resident_mb")
    if busy is not None and alone is not None:
        is_beyond_us = alone.median > _RESIDENT_MB
        most = alone.median + _MORE_THAN_INTERPRETER_MB if is_beyond_us else _RESIDENT_MB
        yield Bar(
            "resident memory of a busy agent",
            f"{busy.median:.1f} MB",
            f"at most {most:.1f} MB",
            busy.median <= most,
        )
    start = part.find((memory.START,), "start_s")
    if start is not None:
        yield Bar(
            "first answer after a start", f"{start.median:.2f} s", "within 2 s", start.median <= 2
        )


def _listed(names: set[str]) -> str:
    return " and ".join(sorted(names)) or "never"
