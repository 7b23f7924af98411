"""What changed between two runs of the benchmark, beyond noise. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from fluid.bench.figures import QUANTITIES, Better, Case, Figure, Results
from fluid.bench.statistics import Verdict, compare


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both runs. factor: the new median over the old, None if that was 0."""

    part: str
    case: Case
    quantity: str
    old: float
    new: float
    verdict: Verdict

    @property
    def factor(self) -> float | None:
        return self.new / self.old if self.old else None

    @property
    def is_better(self) -> bool:
        return self.verdict.value == QUANTITIES[self.quantity].better.value

    @property
    def is_worse(self) -> bool:
        changed = self.verdict in (Verdict.HIGHER, Verdict.LOWER)
        return changed and not self.is_better and self._is_judged

    @property
    def _is_judged(self) -> bool:
        return QUANTITIES[self.quantity].better is not Better.NEITHER


def changes(old: Results, new: Results) -> tuple[Change, ...]:
    """Every figure that both runs have, and that is good or bad in itself."""
    return tuple(_changes(old, new))


def other_conditions(old: Results, new: Results) -> tuple[str, ...]:
    """What differs between the runs beside the code: one line each, empty if nothing does."""
    return tuple(
        f"{name}: {before.get(name, 'not said')}, now {after.get(name, 'not said')}"
        for before, after in ((old.machine, new.machine), (old.settings, new.settings))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _changes(old: Results, new: Results) -> Iterator[Change]:
    for name, part in new.parts.items():
        if name not in old.parts:
            continue
        for figure in part.figures:
            before = old.parts[name].find(figure.case, figure.quantity)
            if before is not None and QUANTITIES[figure.quantity].better is not Better.NEITHER:
                yield _change(name, before, figure)


def _change(part: str, old: Figure, new: Figure) -> Change:
    verdict = compare(old.sample, new.sample)
    return Change(part, new.case, new.quantity, old.median, new.median, verdict)
