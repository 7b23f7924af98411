from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.coalescing import MOST_BYTES, coalesce
from edge_agent.core import effects as do
from edge_agent.core.effects import Effect
from edge_agent.core.events import LinkName
from fluid.messages import Done, Feature, Partial, Unheard, encode_features, encode_partials
from tests.unit.edge_agent.making import DIGEST, all_of, one_of, presence, request


def share(key: int, *, images: int = 1) -> Partial:
    logits = np.zeros((images, 3), np.float32)
    return Partial(bytes([key]) * 16, "a", DIGEST, 0, logits)


def feature(key: int, *, size_bytes: int = 2) -> Feature:
    return Feature(bytes([key]) * 16, "a", DIGEST, 0, np.zeros((1, size_bytes), np.int8))


def done(*keys: int, settled: bool = False) -> do.SendDone:
    return do.SendDone(Done(tuple(bytes([key]) * 16 for key in keys), settled=settled))


def reply(token: int) -> do.SendReply:
    return do.SendReply(request(str(token)), (), as_list=False, token=token)


KEYS = st.integers(0, 9)
EFFECTS = st.lists(
    st.one_of(
        st.builds(
            lambda to, keys: do.SendPartials(to, tuple(share(key) for key in keys)),
            st.sampled_from("bc"),
            st.lists(KEYS, min_size=1, max_size=3),
        ),
        st.builds(
            lambda to, keys: do.SendFeatures(to, tuple(feature(key) for key in keys)),
            st.sampled_from("bc"),
            st.lists(KEYS, min_size=1, max_size=3),
        ),
        st.builds(
            lambda keys, settled: done(*keys, settled=settled),
            st.lists(KEYS, min_size=1, max_size=3),
            st.booleans(),
        ),
        st.builds(reply, KEYS),
        st.builds(do.Ack, KEYS),
        st.builds(lambda key: do.SendUnheard(Unheard("a", (bytes([key]) * 16,))), KEYS),
        st.builds(lambda key: do.PublishPresence(presence("a", key)), KEYS),
        st.just(do.CloseLink(LinkName.CONTROL)),
    ),
    max_size=30,
)


def shares_of(effects: list[Effect]) -> Counter[tuple[str, bytes]]:
    return Counter(
        (sent.to, each.key) for sent in all_of(effects, do.SendPartials) for each in sent.partials
    )


def features_of(effects: list[Effect]) -> Counter[tuple[str, int, bytes]]:
    return Counter(
        (sent.to, each.stage, each.key)
        for sent in all_of(effects, do.SendFeatures)
        for each in sent.features
    )


def keys_of(effects: list[Effect]) -> Counter[tuple[bool, bytes]]:
    notices = [sent.notice for sent in all_of(effects, do.SendDone)]
    return Counter((notice.settled, key) for notice in notices for key in notice.keys)


def others_of(effects: list[Effect]) -> list[Effect]:
    merged = do.SendPartials | do.SendFeatures | do.SendDone
    return [each for each in effects if not isinstance(each, merged)]


@given(EFFECTS)
def test_the_same_is_said_and_all_else_keeps_its_order(effects: list[Effect]) -> None:
    merged = coalesce(effects)
    assert shares_of(merged) == shares_of(effects)
    assert features_of(merged) == features_of(effects)
    assert keys_of(merged) == keys_of(effects)
    assert others_of(merged) == others_of(effects)
    assert len(merged) <= len(effects)


@given(EFFECTS)
def test_shares_and_notices_of_one_kind_keep_their_order(effects: list[Effect]) -> None:
    merged = coalesce(effects)
    for to in "bc":
        before, after = (
            [
                each.key
                for sent in all_of(some, do.SendPartials)
                if sent.to == to
                for each in sent.partials
            ]
            for some in (effects, merged)
        )
        assert after == before


@given(EFFECTS)
def test_nothing_of_a_request_passes_what_is_of_the_cluster_or_a_link(
    effects: list[Effect],
) -> None:
    barriers = (do.PublishPresence, do.CloseLink)

    def between_barriers(some: list[Effect]) -> list[Counter[object]]:
        parts: list[list[Effect]] = [[]]
        for effect in some:
            if isinstance(effect, barriers):
                parts.append([])
            else:
                parts[-1].append(effect)
        return [Counter([*shares_of(part), *features_of(part), *keys_of(part)]) for part in parts]

    assert between_barriers(coalesce(effects)) == between_barriers(effects)


@given(EFFECTS)
def test_a_reply_goes_out_before_the_notice_that_speaks_of_it(effects: list[Effect]) -> None:
    """A notice never moves to an earlier place."""
    merged = coalesce(effects)
    for number, effect in enumerate(effects):
        if isinstance(effect, do.SendReply):
            later_at = [
                keys_of(effects[:number])[settled, key] for settled, key in keys_of(effects)
            ]
            place = [each is effect for each in merged].index(True)
            earlier_now = [
                keys_of(merged[:place])[settled, key] for settled, key in keys_of(effects)
            ]
            assert all(now <= before for now, before in zip(earlier_now, later_at, strict=True))


def test_what_belongs_together_becomes_one_message() -> None:
    effects: list[Effect] = [
        do.SendPartials("b", (share(1),)), done(1), do.Ack(1),
        do.SendPartials("c", (share(1),)), done(2), do.Ack(2), do.SendPartials("b", (share(2),)),
    ]  # fmt: skip
    to_b, to_c, notice = coalesce(effects)[2:]
    assert isinstance(to_b, do.SendPartials)
    assert [each.key[0] for each in to_b.partials] == [1, 2]
    assert isinstance(to_c, do.SendPartials)
    assert notice == done(1, 2)


def test_first_and_repeated_notices_stay_apart() -> None:
    effects = [done(1), done(2, settled=True), done(3)]
    assert coalesce(effects) == [done(1, 3), done(2, settled=True)]


def test_merged_messages_are_bounded() -> None:
    shares = [do.SendPartials("b", (share(n % 9, images=100),)) for n in range(200)]
    sent = all_of(coalesce(shares), do.SendPartials)
    assert 1 < len(sent) < 20
    assert all(len(encode_partials(each.partials)) <= MOST_BYTES for each in sent)
    notices = all_of(coalesce([done(1, 2, 3)] * 3000), do.SendDone)
    assert 1 < len(notices) < 4
    assert all(len(each.notice.encode()) <= MOST_BYTES + 2 for each in notices)


def test_what_was_one_large_message_stays_one() -> None:
    large = do.SendPartials("b", (share(1, images=MOST_BYTES),))
    small = do.SendPartials("b", (share(2),))
    assert [len(each.partials) for each in all_of(coalesce([small, large]), do.SendPartials)] == [
        1,
        1,
    ]
    assert one_of(coalesce([large]), do.SendPartials).partials == large.partials


def test_feature_maps_share_messages_of_a_bounded_size() -> None:
    effects: list[Effect] = [
        do.SendFeatures("b", (feature(key, size_bytes=10_000),)) for key in range(20)
    ]
    merged = all_of(coalesce(effects), do.SendFeatures)
    assert features_of(list(merged)) == features_of(effects)
    assert len(merged) == 4
    assert all(len(encode_features(each.features)) <= MOST_BYTES for each in merged)


def test_another_device_gets_what_it_cannot_go_on_without_first() -> None:
    merged = coalesce(
        [done(1), do.SendPartials("b", (share(1),)), do.SendFeatures("b", (feature(1),))]
    )
    assert [type(each) for each in merged] == [do.SendFeatures, do.SendPartials, do.SendDone]
