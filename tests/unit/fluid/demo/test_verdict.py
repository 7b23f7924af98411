"""Which phases keep their promise, and how a broken one is explained."""

from collections.abc import Sequence

import pytest

from fluid.demo.measurement import Observation, summarise
from fluid.demo.verdict import Promise, shortcomings
from fluid.messages.control import Mode
from tests.unit.fluid.demo.examples import BOTH, observed

TOGETHER = Promise(Mode.HA, frozenset(BOTH))
APART = Promise(Mode.HT, frozenset(BOTH))
WORKER_KILLED = Promise(Mode.HA, frozenset(BOTH), killed=frozenset({"worker"}))

BY_BOTH = observed(*BOTH)
MASTER_ALONE = observed("master")
MASTER_IN_HT = observed("master", mode=Mode.HT)
WORKER_IN_HT = observed("worker", mode=Mode.HT)
LOST = Observation(3, 1.0, problem="timeout")


def _judge(promise: Promise, observations: Sequence[Observation]) -> list[str]:
    return shortcomings(promise, summarise("P", observations, elapsed_s=1, duplicates=0))


@pytest.mark.parametrize(
    ("promise", "observations"),
    [
        pytest.param(TOGETHER, [BY_BOTH] * 10, id="HA by both"),
        pytest.param(TOGETHER, [BY_BOTH] * 99 + [MASTER_ALONE], id="HA with a straggler"),
        pytest.param(APART, [MASTER_IN_HT, WORKER_IN_HT], id="HT by each"),
        pytest.param(WORKER_KILLED, [BY_BOTH, MASTER_ALONE], id="the survivor carried on"),
    ],
)
def test_a_promise_kept_has_no_shortcomings(
    promise: Promise, observations: Sequence[Observation]
) -> None:
    assert _judge(promise, observations) == []


@pytest.mark.parametrize(
    ("promise", "observations", "shortcoming"),
    [
        (TOGETHER, [BY_BOTH] * 3 + [LOST], "P: 1 of 4 images were lost (1 x timeout)"),
        (TOGETHER, [LOST], "P: 1 of 1 images were lost (1 x timeout)"),
        (APART, [BY_BOTH], "P: served in ha instead of ht"),
        (
            TOGETHER,
            [MASTER_ALONE] * 10,
            "P: served by master instead of master and worker",
        ),
        (
            TOGETHER,
            [BY_BOTH] * 9 + [MASTER_ALONE],
            "P: only 90% of the images were answered by all devices together",
        ),
        (
            APART,
            [MASTER_IN_HT] * 99 + [WORKER_IN_HT],
            "P: worker answered only 1% of the images",
        ),
        (
            WORKER_KILLED,
            [BY_BOTH] * 10,
            "P: the last answer came from master and worker instead of master",
        ),
    ],
)
def test_a_broken_promise_is_explained(
    promise: Promise, observations: Sequence[Observation], shortcoming: str
) -> None:
    assert shortcoming in _judge(promise, observations)
