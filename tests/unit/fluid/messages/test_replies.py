import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fluid.messages import (
    ErrorReply,
    Malformed,
    Mode,
    Reply,
    Result,
    ResultBatch,
    decode_replies,
    encode_replies,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SHARES = st.integers(0, 10**6).map(lambda millionths: millionths / 10**6)
LOGITS = st.floats(allow_nan=False, allow_infinity=False, width=32)
MILLISECONDS = st.integers(0, 10**8).map(lambda microseconds: microseconds / 1000)

RESULTS = st.builds(
    Result,
    id=NAMES,
    label=st.integers(0, 999),
    class_name=NAMES,
    confidence=SHARES,
    mode=st.sampled_from([Mode.HA, Mode.HT]),
    subnetwork=NAMES,
    devices=st.lists(NAMES, max_size=3).map(tuple),
    bundle=NAMES,
    queue_ms=MILLISECONDS,
    compute_ms=MILLISECONDS,
    degraded=st.booleans(),
    probabilities=st.none() | st.lists(SHARES, max_size=4).map(tuple),
    logits=st.none() | st.lists(LOGITS, max_size=4).map(tuple),
)
REPLIES: st.SearchStrategy[Reply] = RESULTS | st.builds(
    ErrorReply, id=NAMES, code=NAMES, message=NAMES
)
RESULT = Result("a", 3, "three", 0.9, Mode.HA, "100", ("pi-1", "pi-2"), "abc", 1.5, 2.25)


def plain_json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


@given(REPLIES)
def test_one_reply_comes_back_as_it_was(reply: Reply) -> None:
    payload = encode_replies([reply], as_list=False)
    assert decode_replies(payload) == (reply,)
    assert isinstance(json.loads(payload), dict)


@given(st.lists(REPLIES, max_size=4))
def test_the_replies_of_a_batch_come_back_as_they_were(replies: list[Reply]) -> None:
    payload = encode_replies(replies, as_list=True)
    assert decode_replies(payload) == tuple(replies)
    assert isinstance(json.loads(payload), list)


@given(st.lists(REPLIES, max_size=4))
def test_the_payload_is_the_json_of_each_reply_to_the_byte(replies: list[Reply]) -> None:
    documents = [reply.to_json() for reply in replies]
    assert encode_replies(replies, as_list=True) == plain_json(documents)
    for reply, document in zip(replies, documents, strict=True):
        assert encode_replies([reply], as_list=False) == plain_json(document)


@given(
    RESULTS,
    st.floats(0, 1e9),
    st.lists(
        st.tuples(
            st.integers(0, 999),
            NAMES,
            st.floats(0, 1, width=32),
            st.lists(st.floats(0, 1, width=32), max_size=3).map(tuple),
            st.lists(LOGITS, max_size=3).map(tuple),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_a_batch_is_encoded_as_its_results_are(
    like: Result, queue_ms: float, images: list[tuple[Any, ...]]
) -> None:
    wants_probabilities, wants_logits = like.probabilities is not None, like.logits is not None
    results = [
        replace(
            like,
            queue_ms=queue_ms,
            label=label,
            class_name=class_name,
            confidence=confidence,
            probabilities=probabilities if wants_probabilities else None,
            logits=logits if wants_logits else None,
        )
        for label, class_name, confidence, probabilities, logits in images
    ]
    labels, class_names, confidences, probabilities, logits = zip(*images, strict=True)
    batch = ResultBatch(
        results[0],
        labels,
        class_names,
        confidences,
        probabilities if wants_probabilities else None,
        logits if wants_logits else None,
    )
    assert (len(batch), list(batch)) == (len(results), results)
    assert encode_replies(batch, as_list=True) == plain_json([each.to_json() for each in results])


@given(hnp.arrays(np.float32, 8, elements=LOGITS))
def test_logits_arrive_with_the_very_bits_that_were_sent(
    logits: "np.ndarray[tuple[int], np.dtype[np.float32]]",
) -> None:
    sent = replace(RESULT, logits=tuple(float(each) for each in logits))
    received = decode_replies(encode_replies([sent], as_list=False))
    assert not isinstance(received, Malformed)
    (result,) = received
    assert isinstance(result, Result)
    assert np.array(result.logits, np.float32).tobytes() == logits.tobytes()


@given(st.binary())
def test_decoding_arbitrary_bytes_never_raises(payload: bytes) -> None:
    assert decode_replies(payload) == () or isinstance(decode_replies(payload), Malformed)


@given(st.data())
def test_decoding_a_reply_with_any_field_replaced_never_raises(data: st.DataObject) -> None:
    document = RESULT.to_json()
    field = data.draw(st.sampled_from(sorted(document)))
    document[field] = data.draw(
        st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
    )
    assert isinstance(decode_replies(json.dumps(document).encode()), tuple | Malformed)


def test_json_nested_without_end_is_malformed() -> None:
    assert isinstance(decode_replies(b"[" * 200_000), Malformed)


def test_a_result_reads_well_and_says_only_what_is_so() -> None:
    assert RESULT.to_json() == {
        "id": "a",
        "label": 3,
        "class": "three",
        "confidence": 0.9,
        "mode": "ha",
        "subnetwork": "100",
        "devices": ["pi-1", "pi-2"],
        "bundle": "abc",
        "queue_ms": 1.5,
        "compute_ms": 2.25,
    }


def test_an_error_code_of_a_newer_agent_is_kept() -> None:
    payload = b'{"id": "a", "error": {"code": "too_dark", "message": "no light"}}'
    assert decode_replies(payload) == (ErrorReply("a", "too_dark", "no light"),)


@pytest.mark.parametrize("mode", ["auto", "turbo"])
def test_a_mode_that_nothing_runs_in_is_malformed(mode: str) -> None:
    payload = json.dumps(RESULT.to_json() | {"mode": mode}).encode()
    assert isinstance(decode_replies(payload), Malformed)


def test_one_bad_reply_spoils_its_batch() -> None:
    payload = json.dumps([RESULT.to_json(), {"id": "b"}]).encode()
    assert isinstance(decode_replies(payload), Malformed)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_never_sent(value: float) -> None:
    for spoilt in (
        replace(RESULT, confidence=value),
        replace(RESULT, queue_ms=value),
        replace(RESULT, compute_ms=value),
        replace(RESULT, probabilities=(0.5, value)),
        replace(RESULT, logits=(0.5, value)),
    ):
        with pytest.raises(ValueError, match="not JSON compliant"):
            encode_replies([spoilt], as_list=False)
