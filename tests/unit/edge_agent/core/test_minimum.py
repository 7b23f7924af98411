from dataclasses import replace

import pytest

from edge_agent.core.minimum import covers, expect_known, too_little_online, too_little_time
from fluid.bundle import SubNetwork
from fluid.errors import ErrorCode
from tests.unit.edge_agent.making import MANIFEST


@pytest.mark.parametrize(
    ("stages", "minimum", "enough"),
    [
        ((), None, True),
        (("lower50",), None, True),
        (("lower50",), "lower50", True),
        (("lower25",), "lower50", False),
        (("upper50",), "lower50", False),
        (("lower50",), "100", False),
        (("lower50", "upper50"), "100", True),
        (("lower50", "upper25"), "100", False),
        (("lower50", "upper50"), "upper50", True),
        ((), "lower50", False),
    ],
)
def test_an_answer_counts_if_it_is_as_wide_in_each_slot_that_was_asked_for(
    stages: tuple[str, ...], minimum: str | None, *, enough: bool
) -> None:
    assert covers(MANIFEST, stages, minimum) is enough


def test_a_wider_stage_stands_for_a_narrower_one() -> None:
    narrow = SubNetwork("75", ("lower50", "upper25"))
    manifest = replace(MANIFEST, subnetworks=(*MANIFEST.subnetworks, narrow))
    assert covers(manifest, ("lower50", "upper50"), "75")
    assert not covers(manifest, ("lower25", "upper50"), "75")


def test_a_name_that_the_bundle_does_not_know_is_answered_with_those_that_it_does() -> None:
    assert expect_known(MANIFEST, None) is None
    assert expect_known(MANIFEST, "100") is None
    fault = expect_known(MANIFEST, "x" * 60_000)
    assert fault is not None
    assert fault.code is ErrorCode.UNKNOWN_SUBNETWORK
    assert fault.message.endswith("it has: lower50, upper50, 100")
    assert len(fault.message) < 200


def test_where_nothing_is_there_nothing_is_advised_but_to_look() -> None:
    assert "''" not in too_little_online("", minimum="100").message
    message = too_little_time("", minimum=None, deadline_s=0.25).message
    assert message == "an answer was due within 250 ms and none was there; allow more time"
