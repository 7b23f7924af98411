"""The report of the benchmark, as Markdown. Pure: every number in it is given.

It holds no date, host or path.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from fluid.bench.bars import bars
from fluid.bench.comparison import Change
from fluid.bench.figures import Case, Figure, PartResults, Results
from fluid.bench.measures import FAILS
from fluid.bench.statistics import Verdict

_HEADINGS = {
    "images_per_s": "images/s",
    "accuracy": "accuracy %",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "bytes_per_image": "bytes an image",
    "errors": "errors",
    "lost": "lost",
    "agents_cores": "cores: agents",
    "agents_of_share": "of their share",
    "broker_cores": "broker",
    "generator_cores": "generator",
    "efficiency": "of linear",
    "of_bare": "of bare",
    "bare_images_per_s": "bare images/s",
    "bare_invoke_ms": "invoke ms",
    "to_ht_s": "to HT after s",
    "to_ha_s": "back to HA after s",
    "switches_to_ht": "switches to HT",
    "switches_to_ha": "switches to HA",
    "gap_s": "gap s",
    "slowest_s": "slowest answer s",
    "resident_mb": "resident MB",
    "start_s": "first answer s",
    "ratio": "ratio",
}
_SHARES = frozenset({"efficiency", "of_bare", "agents_of_share"})
_COSTS = ("agents_cores", "agents_of_share", "broker_cores", "generator_cores")


def render_report(results: Results, *, plots: Sequence[str] = ()) -> str:
    """The whole report. plots: names of files beside it."""
    return "\n\n".join(_blocks(results, plots)) + "\n"


def render_changes(changes: Sequence[Change], conditions: Sequence[str]) -> str:
    """What has changed beyond noise since another run; figures within it are only counted."""
    return "\n\n".join(_change_blocks(changes, conditions)) + "\n"


def _blocks(results: Results, plots: Sequence[str]) -> Iterator[str]:
    yield "# The benchmark"
    yield (
        "Written by `make bench`: real agents and a real Mosquitto on one machine, in one run. A "
        "number is the median of the repetitions; in brackets the range between their quartiles. "
        "`bench.json` has every repetition, and `docs/performance.md` says how to read this."
    )
    promised = bars(results)
    if promised:
        yield "## What was promised"
        yield _table(
            ("promised", "measured", "bar", "holds"),
            [(b.promised, b.measured, b.bar, "yes" if b.holds else "no") for b in promised],
        )
    for name, part in results.parts.items():
        yield f"## {_TITLES.get(name, name)}"
        if part.problem:
            yield f"**Ended early**: {part.problem}"
        yield from _SECTIONS[name](part)
        yield from (f"![{each}]({each})" for each in plots if each.startswith(f"bench-{name}"))
    yield "## Where and how"
    said = {**results.machine, **results.settings}
    yield "\n".join(f"- {name}: {text}" for name, text in said.items())


def _paper(part: PartResults) -> Iterator[str]:
    yield (
        "Static and Dynamic are cut over both devices at every layer; `Dynamic, lower half` is "
        "the same bundle served by the Master alone. Latency is that of a stream at half of the "
        "images/s of its row."
    )
    yield _figure_table(
        part,
        ("network", "devices"),
        ("images_per_s", "accuracy", "p50_ms", "p99_ms", "bytes_per_image"),
    )
    if part.ratios:
        yield "Images a second, repetition by repetition; of Dynamic, the faster of its two ways:"
        yield _figure_table(part, ("ratio of images/s",), ("ratio",))
    yield "What it was done with:"
    yield _figure_table(part, ("network", "devices"), ("images_per_s", *_COSTS))


def _scaling(part: PartResults) -> Iterator[str]:
    yield (
        "Linear is against one agent in HT, and in HA, which needs both halves, against two. "
        "Where the agents use all of their share, they are the limit, and neither the broker nor "
        "the machine."
    )
    yield _figure_table(part, ("mode", "agents"), ("images_per_s", "efficiency", *_COSTS))


def _overhead(part: PartResults) -> Iterator[str]:
    yield (
        "One agent against a process that only invokes the interpreter, under the same share of a "
        "core, in turn."
    )
    yield _figure_table(
        part, ("model", "images a message"), ("bare_images_per_s", "bare_invoke_ms")
    )
    yield _figure_table(part, ("model", "images a message"), ("images_per_s", "of_bare", *_COSTS))


def _load(part: PartResults) -> Iterator[str]:
    yield (
        "Two devices, mode `auto`: a fifth of what HA can do, then half as much again as that, "
        "then a fifth. The mode is the leader's word."
    )
    yield _figure_table(part, ("stream",), ("images_per_s",))
    yield _figure_table(
        part,
        ("stream",),
        ("lost", "errors", "accuracy", "to_ht_s", "to_ha_s", "switches_to_ht", "switches_to_ha"),
    )


def _failover(part: PartResults) -> Iterator[str]:
    yield (
        "A stream at an even rate that one device can serve, and a device that is killed: the "
        "longest time without any answer from then on, and the longest that an answer took. "
        "Nothing is sent twice by whoever asks."
    )
    yield _figure_table(part, ("mode", "what"), ("gap_s", "slowest_s", "lost", "errors"))


def _memory(part: PartResults) -> Iterator[str]:
    yield (
        "Resident memory counts the libraries too, also those that several processes share. An "
        "agent starts with a whole core."
    )
    yield _figure_table(part, ("what",), ("resident_mb", "start_s"))


_TITLES = {
    "paper": "The paper's figure",
    "scaling": "Scaling",
    "overhead": "Overhead",
    "load": "Load step",
    "failover": "Fail-over",
    "memory": "Memory and start",
}
_SECTIONS: Mapping[str, Callable[[PartResults], Iterator[str]]] = {
    "paper": _paper,
    "scaling": _scaling,
    "overhead": _overhead,
    "load": _load,
    "failover": _failover,
    "memory": _memory,
}


def _figure_table(part: PartResults, headings: Sequence[str], quantities: Sequence[str]) -> str:
    """A row for each case that has one of these quantities; columns that are empty are left out."""
    cases: dict[Case, None] = {}
    for figure in part.figures:
        if figure.quantity in quantities:
            cases[figure.case] = None
    used = [name for name in quantities if any(part.find(case, name) for case in cases)]
    rows = [
        (*case, *(_cell(part.find(case, name)) for name in used))
        for case in cases
        if len(case) == len(headings)
    ]
    return _table((*headings, *(_HEADINGS[name] for name in used)), rows, left=len(headings))


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    failed = [note for note in figure.notes if note.startswith(FAILS)]
    if failed:
        return failed[0]
    text = _number(figure.quantity, figure.median)
    if len(figure.sample.values) > 1:
        text += f" ({_number(figure.quantity, figure.sample.spread)})"
    notes = [note for note in figure.notes if note]
    return f"{text} {'; '.join(notes)}" if notes else text


def _number(quantity: str, value: float) -> str:
    if quantity == "accuracy":
        return f"{100 * value:.2f}"
    if quantity in _SHARES or quantity.endswith("_cores") or quantity == "ratio":
        return f"{value:.3f}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _change_blocks(changes: Sequence[Change], conditions: Sequence[str]) -> Iterator[str]:
    yield "## What has changed"
    if conditions:
        yield "The runs differ in more than the code:"
        yield "\n".join(f"- {line}" for line in conditions)
    if not changes:
        yield "They have no figure in common."
        return
    beyond = [each for each in changes if each.verdict in (Verdict.HIGHER, Verdict.LOWER)]
    if beyond:
        yield _table(
            ("figure", "before", "now", "factor", "verdict"),
            [_change_row(each) for each in beyond],
        )
    within = sum(each.verdict is Verdict.WITHIN_NOISE for each in changes)
    too_few = sum(each.verdict is Verdict.TOO_FEW for each in changes)
    counts = f"{len(beyond)} of {len(changes)} figures changed beyond noise, {within} did not"
    if too_few:
        counts += f"; of {too_few} there are too few repetitions to say (three are needed)"
    yield f"{counts}."


def _change_row(change: Change) -> tuple[str, ...]:
    return (
        ", ".join((change.part, *change.case, _HEADINGS[change.quantity])),
        _number(change.quantity, change.old),
        _number(change.quantity, change.new),
        "-" if change.factor is None else f"{change.factor:.2f}",
        "better" if change.is_better else "worse",
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """left: how many columns stand left; numbers stand right."""
    rules = ["---"] * left + ["---:"] * (len(headings) - left)
    lines = [headings, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
