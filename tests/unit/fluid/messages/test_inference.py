import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fluid.messages import (
    KEY_BYTES,
    Done,
    Malformed,
    Partial,
    decode_notice,
    decode_partials,
    encode_partials,
    request_key,
)

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
LOGITS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=4),
    elements=st.floats(-1e9, 1e9, width=32),
)
PARTIALS = st.builds(
    Partial,
    key=KEYS,
    sender=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    bundle=DIGESTS,
    stage=st.integers(0, 0xFFFF),
    logits=LOGITS,
    # Whole and half milliseconds, which the microseconds on the wire hold exactly.
    compute_ms=st.integers(0, 2000).map(lambda halves: halves / 2),
)


@given(st.lists(PARTIALS, max_size=4))
def test_partials_come_back_as_they_were(partials: list[Partial]) -> None:
    decoded = decode_partials(encode_partials(partials))
    assert not isinstance(decoded, Malformed)
    assert len(decoded) == len(partials)
    for got, sent in zip(decoded, partials, strict=True):
        assert (got.key, got.sender, got.stage) == (sent.key, sent.sender, sent.stage)
        assert got.compute_ms == sent.compute_ms
        assert got.logits.dtype == np.float32
        assert got.logits.shape == sent.logits.shape
        assert got.logits.tobytes() == sent.logits.tobytes()
        assert got.is_of_bundle(sent.bundle)


@given(PARTIALS, DIGESTS)
def test_a_partial_belongs_to_the_bundle_whose_digest_begins_alike(
    partial: Partial, other: str
) -> None:
    assert partial.is_of_bundle(other) == (partial.bundle[:16] == other[:16])


def test_a_computing_time_beyond_the_field_is_capped() -> None:
    logits = np.zeros((1, 1), np.float32)
    slow = Partial(bytes(KEY_BYTES), "pi-1", "0" * 64, 0, logits, compute_ms=1e12)
    decoded = decode_partials(encode_partials([slow]))
    assert not isinstance(decoded, Malformed)
    assert decoded[0].compute_ms == pytest.approx(0xFFFFFFFF / 1000)


@given(st.binary(max_size=200))
def test_decoding_arbitrary_partials_never_raises(payload: bytes) -> None:
    assert isinstance(decode_partials(payload), tuple | Malformed)


@given(st.lists(PARTIALS, min_size=1, max_size=2), st.data())
def test_partials_that_are_cut_are_malformed(partials: list[Partial], data: st.DataObject) -> None:
    whole = encode_partials(partials)
    first = len(encode_partials(partials[:1]))
    length = data.draw(st.integers(1, len(whole) - 1).filter(lambda cut: cut != first))
    assert isinstance(decode_partials(whole[:length]), Malformed)


def one_partial(sender: str = "pi", *logits: float) -> bytes:
    array = np.array([logits or (0.0,)], np.float32)
    return encode_partials([Partial(bytes(KEY_BYTES), sender, "0" * 64, 0, array)])


@pytest.mark.parametrize("sender", [b"\xff\xff", b"\xc3\xa9", b"..", b"a/", b"a+", b"a\n", b"\0\0"])
def test_a_sender_that_names_no_agent_is_malformed(sender: bytes) -> None:
    assert isinstance(decode_partials(one_partial("pi")), tuple)
    outcome = decode_partials(one_partial("pi").replace(b"pi", sender))
    assert outcome == Malformed("partial record whose sender is no agent id")


@pytest.mark.parametrize("sender", ["", "a" * 65])
def test_a_sender_without_a_name_or_with_too_long_a_one_is_malformed(sender: str) -> None:
    assert isinstance(decode_partials(one_partial(sender)), Malformed)


@pytest.mark.parametrize("logit", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_not_finite_is_malformed(logit: float) -> None:
    outcome = decode_partials(one_partial("pi", 1.0, logit))
    assert outcome == Malformed("partial record with a logit that is not finite")


def test_logits_do_not_keep_the_payload_that_they_came_in() -> None:
    payload = one_partial("pi", 1.0, 2.0)
    decoded = decode_partials(payload)
    assert not isinstance(decoded, Malformed)
    whole_payload = np.frombuffer(payload, np.uint8)
    assert not np.shares_memory(decoded[0].logits, whole_payload)
    assert decoded[0].logits.flags.writeable


@given(st.builds(Done, st.lists(KEYS, max_size=5).map(tuple), settled=st.booleans()))
def test_done_comes_back_as_it_was(done: Done) -> None:
    assert decode_notice(done.encode()) == done


@given(st.binary(max_size=70))
def test_decoding_an_arbitrary_done_notice_never_raises(payload: bytes) -> None:
    outcome = decode_notice(payload)
    assert isinstance(outcome, Malformed) or outcome.encode() == payload


@given(st.lists(KEYS, max_size=3), st.integers(1, KEY_BYTES - 1))
def test_a_done_notice_holds_whole_keys(keys: list[bytes], excess: int) -> None:
    assert isinstance(decode_notice(Done(tuple(keys)).encode() + bytes(excess)), Malformed)


REQUESTS = st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary(), st.binary())


@given(REQUESTS, REQUESTS)
def test_requests_have_the_same_key_only_if_they_are_the_same(
    first: tuple[str, bytes, bytes], second: tuple[str, bytes, bytes]
) -> None:
    keys = [
        request_key(reply_to=reply_to, request_id=request_id, payload=payload)
        for reply_to, request_id, payload in (first, second)
    ]
    assert (keys[0] == keys[1]) == (first == second)
    assert {len(key) for key in keys} == {KEY_BYTES}


def test_where_one_part_of_a_request_ends_and_the_next_begins_matters() -> None:
    split = request_key(reply_to="ab", request_id=b"c", payload=b"")
    assert split != request_key(reply_to="a", request_id=b"bc", payload=b"")
