"""Tell the stories of many seeds, on all cores, and say which invariants did not hold.

A violation is printed with one command that tells its story again, with all that happened.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TextIO

from tests.simulation import bugs
from tests.simulation.bundle import FAMILIES
from tests.simulation.story import Told, tell

_SEEDS_A_TASK = 20
_PROGRESS_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is left of a story once it has been told."""

    seed: int
    sim_s: float
    requests: int
    faults: Counter[str]
    agents: int
    invariant: str = ""
    problem: str = ""
    family: str = "fluid"


@dataclass(slots=True)
class Summary:
    """What many stories add up to."""

    seeds: int = 0
    requests: int = 0
    sim_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    agents: Counter[int] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        self.seeds += 1
        self.requests += verdict.requests
        self.sim_s += verdict.sim_s
        self.faults += verdict.faults
        self.agents[verdict.agents] += 1
        if verdict.invariant:
            self.violations[verdict.invariant] += 1

    def lines(self, spent_s: float) -> Iterator[str]:
        """The summary for people."""
        violations = self.violations.total()
        yield f"{self.seeds} seeds, {violations} violations, {self.requests} requests"
        yield (
            f"{self.sim_s / max(1, self.seeds):.1f} s of simulated time a seed on average, "
            f"{spent_s:.0f} s of real time in all"
        )
        yield "agents: " + _counts({str(count): each for count, each in self.agents.items()})
        yield f"faults: {self.faults.total()}: " + _counts(self.faults)
        if violations:
            yield "violations: " + _counts(self.violations)


def judge(seed: int, family: str = "fluid") -> Verdict:
    """Tell a seed's story and keep the verdict."""
    return _verdict(tell(seed, family=family))


def replay(seed: int, out: TextIO, *, family: str = "fluid") -> int:
    """Tell a seed's story with all that happened; returns the exit status."""
    told = tell(seed, detailed=True, family=family)
    print(told.plan, file=out)
    for line in told.world.transcript:
        print(line, file=out)
    verdict = _verdict(told)
    print(_report(verdict) if verdict.invariant else "all invariants hold", file=out)
    return 1 if verdict.invariant else 0


def run(
    seeds: range, jobs: int, out: TextIO, *, stop_at_first: bool = False, family: str = "fluid"
) -> int:
    """Tell the stories of all seeds; returns the exit status: 1 if an invariant did not hold."""
    began = told_at = time.monotonic()
    summary = Summary()
    for verdict in _verdicts(seeds, jobs, family):
        summary.add(verdict)
        if verdict.invariant:
            print(_report(verdict), file=out, flush=True)
            if stop_at_first:
                break
        if time.monotonic() - told_at >= _PROGRESS_EVERY_S:
            told_at = time.monotonic()
            print(f"{summary.seeds} of {len(seeds)} seeds", file=out, flush=True)
    for line in summary.lines(time.monotonic() - began):
        print(line, file=out)
    return 1 if summary.violations else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="Seeded storms of faults over the real cores; see tests/simulation.",
    )
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--stop", action="store_true", help="end with the first violation")
    parser.add_argument("--seed", type=int, help="tell this one alone, with all that happened")
    parser.add_argument(
        "--family", choices=FAMILIES, default="fluid", help="of the bundle that is served at first"
    )
    given = parser.parse_args(arguments)
    bugs.plant()
    if given.seed is not None:
        return replay(given.seed, sys.stdout, family=given.family)
    seeds = range(given.first, given.first + given.seeds)
    return run(seeds, given.jobs, sys.stdout, stop_at_first=given.stop, family=given.family)


def _verdicts(seeds: range, jobs: int, family: str) -> Iterator[Verdict]:
    """In the order of the seeds."""
    judge_one = partial(judge, family=family)
    if jobs == 1:
        yield from map(judge_one, seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=bugs.plant) as pool:
        try:
            yield from pool.map(judge_one, seeds, chunksize=_SEEDS_A_TASK)
        finally:
            pool.shutdown(cancel_futures=True)


def _verdict(told: Told) -> Verdict:
    world, violation = told.world, told.violation
    return Verdict(
        seed=told.plan.seed,
        sim_s=world.now,
        requests=sum(len(client.sent) + client.still_sent for client in world.clients),
        faults=world.faults,
        agents=len(told.plan.agents),
        invariant=violation.invariant if violation else "",
        problem=violation.problem if violation else "",
        family=told.plan.family,
    )


def _report(verdict: Verdict) -> str:
    return (
        f"seed {verdict.seed} violates {verdict.invariant}: {verdict.problem}\n"
        f"  replay: {bugs.prefix()}{_command(verdict)}"
    )


def _command(verdict: Verdict) -> str:
    if verdict.family == "fluid":
        return f"make sim SEED={verdict.seed}"
    return f"python -m tests.simulation --family {verdict.family} --seed {verdict.seed}"


def _counts(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
