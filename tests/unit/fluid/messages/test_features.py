import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fluid.messages import KEY_BYTES, Feature, Malformed, decode_features, encode_features

FEATURES = st.builds(
    Feature,
    key=st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES),
    sender=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    bundle=st.binary(min_size=32, max_size=32).map(bytes.hex),
    stage=st.integers(0, 0xFFFF),
    values=hnp.arrays(np.int8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)),
    in_turn=st.booleans(),
)
ONE = Feature(bytes(KEY_BYTES), "pi-1", "0" * 64, 3, np.ones((2, 5), np.int8))


@given(st.lists(FEATURES, max_size=4))
def test_features_come_back_as_they_were(features: list[Feature]) -> None:
    decoded = decode_features(encode_features(features))
    assert not isinstance(decoded, Malformed)
    assert len(decoded) == len(features)
    for got, sent in zip(decoded, features, strict=True):
        assert (got.key, got.sender, got.stage) == (sent.key, sent.sender, sent.stage)
        assert got.in_turn == sent.in_turn
        assert got.values.dtype == np.int8
        assert got.values.shape == sent.values.shape
        assert got.values.tobytes() == sent.values.tobytes()
        assert got.is_of_bundle(sent.bundle)


@given(st.binary(max_size=300))
def test_any_bytes_are_features_or_malformed(payload: bytes) -> None:
    decoded = decode_features(payload)
    if not isinstance(decoded, Malformed):
        assert encode_features(decoded)[:16] == payload[:16]


@pytest.mark.parametrize("size", [1, 30, len(encode_features([ONE])) - 1])
def test_a_record_that_is_cut_short_is_malformed(size: int) -> None:
    assert isinstance(decode_features(encode_features([ONE])[:size]), Malformed)


def test_a_record_whose_sender_is_no_agent_id_is_malformed() -> None:
    payload = encode_features([ONE]).replace(b"pi-1", b"pi/1")
    assert isinstance(decode_features(payload), Malformed)


def test_who_keeps_a_map_does_not_keep_the_message() -> None:
    decoded = decode_features(encode_features([ONE, ONE]))
    assert not isinstance(decoded, Malformed)
    assert decoded[0].values.base is None
    assert decoded[0].size_bytes == 10
