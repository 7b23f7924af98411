"""The stories of some seeds, told by the runner itself, so that a failure replays as it says.

FLUID_SIM_SEEDS says how many; `make sim SEEDS=10000` is for more.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.simulation.bugs import BUGS, VARIABLE
from tests.simulation.story import tell

SEEDS = os.environ.get("FLUID_SIM_SEEDS", "150")
SEEDS_TO_FIND_A_BUG = 1000


def run(*arguments: str, bug: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: each for name, each in os.environ.items() if name != VARIABLE}
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        env=environment | ({VARIABLE: bug} if bug else {}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_invariant_holds_in_every_story() -> None:
    done = run("--seeds", SEEDS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("family", ["static", "dynamic"])
def test_every_invariant_holds_where_devices_need_each_other(family: str) -> None:
    done = run("--seeds", str(int(SEEDS) // 3), "--family", family)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_seed_is_one_story() -> None:
    one, other = tell(3, detailed=True), tell(3, detailed=True)
    assert one.world.transcript == other.world.transcript
    assert len(one.world.transcript) > 50


def test_a_story_can_be_told_in_full() -> None:
    done = run("--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "leading term=1" in done.stdout
    assert done.stdout.endswith("all invariants hold\n")


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_found_by_its_invariant_and_replays(name: str) -> None:
    broken = BUGS[name].breaks
    searched = run("--seeds", str(SEEDS_TO_FIND_A_BUG), "--stop", "--jobs", "1", bug=name)
    assert searched.returncode == 1, searched.stdout + searched.stderr
    found = re.search(r"^seed (\d+) violates (\w+): ", searched.stdout, re.MULTILINE)
    assert found is not None
    assert found[2] == broken
    command = f"{VARIABLE}={name} make sim SEED={found[1]}"
    assert f"replay: {command}" in searched.stdout
    replayed = run("--seed", found[1], bug=name)
    assert replayed.returncode == 1
    assert f"seed {found[1]} violates {broken}: " in replayed.stdout
