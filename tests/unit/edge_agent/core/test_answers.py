import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_agent.core.answers import Contribution, build_error, build_results, softmax
from edge_agent.core.events import RequestFault
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Mode, Result
from tests.unit.edge_agent.making import (
    DIGEST,
    MANIFEST,
    as_result,
    logits_of,
    manifest_of,
    request,
)

CONTRIBUTIONS = {
    "upper50": Contribution(logits_of("upper50"), "b", 3.0),
    "lower50": Contribution(logits_of("lower50"), "a", 2.0),
}


def results(
    contributions: dict[str, Contribution] | None = None,
    *,
    probabilities: bool = False,
    logits: bool = False,
) -> list[Result]:
    replies = build_results(
        replace(request("7"), wants_probabilities=probabilities, wants_logits=logits),
        contributions or CONTRIBUTIONS,
        manifest=MANIFEST,
        digest=DIGEST,
        mode=Mode.HA,
        queue_ms=1.5,
        degraded=False,
    )
    return [as_result(reply) for reply in replies]


def test_a_result_is_the_sum_of_the_partial_logits() -> None:
    total = logits_of("lower50") + logits_of("upper50")
    (result,) = results(probabilities=True)
    assert result.label == int(total.argmax())
    assert result.class_name == MANIFEST.classes[result.label]
    assert result.probabilities == tuple(float(p) for p in softmax(total)[0])
    assert result.confidence == max(result.probabilities)


def test_logits_are_the_sum_to_the_last_bit_where_they_are_asked_for() -> None:
    total = logits_of("lower50", images=3) + logits_of("upper50", images=3)
    batch = {
        stage: replace(each, logits=logits_of(stage, images=3))
        for stage, each in CONTRIBUTIONS.items()
    }
    answers = results(batch, logits=True)
    given = np.array([result.logits for result in answers], np.float32)
    assert given.tobytes() == total.tobytes()
    assert [result.logits for result in results(batch, probabilities=True)] == [None] * 3


def test_a_result_says_what_answered_and_where() -> None:
    (result,) = results()
    assert (result.id, result.subnetwork, result.devices) == ("7", "100", ("a", "b"))
    assert (result.bundle, result.mode, result.degraded) == (DIGEST[:12], Mode.HA, False)
    assert result.probabilities is None


def test_devices_work_at_the_same_time_so_the_slowest_counts() -> None:
    assert results()[0].compute_ms == 3.0
    assert results()[0].queue_ms == 1.5


def test_a_device_with_several_stages_is_named_once() -> None:
    alone = {stage: replace(each, device="a") for stage, each in CONTRIBUTIONS.items()}
    assert results(alone)[0].devices == ("a",)


def test_a_part_of_the_network_carries_its_own_name() -> None:
    (result,) = results({"upper50": CONTRIBUTIONS["upper50"]})
    assert (result.subnetwork, result.devices) == ("upper50", ("b",))


def test_each_image_of_a_batch_has_its_own_result() -> None:
    batch = {"upper50": Contribution(logits_of("upper50", images=5), "b", 3.0)}
    assert [result.label for result in results(batch)] == list(
        logits_of("upper50", images=5).argmax(axis=1)
    )


def test_the_bits_do_not_depend_on_the_order_in_which_contributions_came() -> None:
    manifest = manifest_of("p", "q", "r", "s")
    # Floats whose sum depends on the order of addition.
    values = {"p50": 1e8, "q50": 1.25, "r50": -1e8, "s50": 0.1}
    logits = {
        stage: np.array([[value, 0.3, -value]], np.float32) for stage, value in values.items()
    }
    orders = list(itertools.permutations(logits))
    sums = {sum((logits[stage] for stage in order), np.zeros((1, 3), np.float32)).tobytes()
            for order in orders}  # fmt: skip
    assert len(sums) > 1, "the example must be able to fail"
    answers = {
        build_results(
            request("7", wants_probabilities=True),
            {stage: Contribution(logits[stage], "a", 1.0) for stage in order},
            manifest=manifest,
            digest=DIGEST,
            mode=Mode.HA,
            queue_ms=0.0,
            degraded=False,
        )
        for order in orders
    }
    assert len(answers) == 1


def test_an_error_names_the_request_and_the_code() -> None:
    fault = RequestFault(ErrorCode.WRONG_SHAPE, "too wide")
    assert build_error(request("7"), fault) == (ErrorReply("7", "wrong_shape", "too wide"),)


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 5)),
        elements=st.floats(-1e4, 1e4, width=32),
    )
)
def test_softmax_yields_finite_shares_of_one(
    logits: "np.ndarray[tuple[int, int], np.dtype[np.float32]]",
) -> None:
    shares = softmax(logits)
    assert np.isfinite(shares).all()
    assert shares.sum(axis=1) == pytest.approx(1.0, rel=1e-5)
    winners = shares[np.arange(len(logits)), logits.argmax(axis=1)]
    assert (winners == shares.max(axis=1)).all()
