import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.topics import Topics

TOPICS = Topics()
NESTED = Topics("site/line-4/fluid")

# What an MQTT topic level may hold.
LEVELS = st.text(st.characters(exclude_characters="/+#\0$", exclude_categories=["Cs"]), min_size=1)


def test_names_lie_below_the_base() -> None:
    assert NESTED.infer == "site/line-4/fluid/infer"
    assert NESTED.infer_all == "site/line-4/fluid/infer/#"
    assert NESTED.cluster == "site/line-4/fluid/cluster"
    assert NESTED.mode_set == "site/line-4/fluid/mode/set"
    assert NESTED.presence("pi-1") == "site/line-4/fluid/presence/pi-1"


def test_the_share_is_named_for_the_base_in_one_level() -> None:
    assert NESTED.infer_shared == "$share/site-line-4-fluid/site/line-4/fluid/infer/#"


@pytest.mark.parametrize("base", ["", "a/#", "+/a", "a\0", "$SYS", "/a", "a/"])
def test_a_base_that_is_no_plain_topic_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="base topic"):
        Topics(base)


def test_results_without_an_id_share_one_topic() -> None:
    assert TOPICS.result(None) == "fluid/result"
    assert TOPICS.result("7") == "fluid/result/7"


@given(LEVELS, LEVELS)
def test_a_request_id_comes_back_out_of_its_topic(base: str, request_id: str) -> None:
    topics = Topics(base)
    topic = f"{topics.infer}/{request_id}"
    assert topics.is_request(topic)
    assert topics.request_id(topic) == request_id


def test_the_bare_infer_topic_is_a_request_without_an_id() -> None:
    assert TOPICS.is_request("fluid/infer")
    assert TOPICS.request_id("fluid/infer") is None


@pytest.mark.parametrize("topic", ["fluid/inference", "fluid/infe", "fluid", "other/infer"])
def test_names_that_only_look_like_a_request_are_none(topic: str) -> None:
    assert not TOPICS.is_request(topic)


@given(LEVELS)
def test_no_answer_goes_to_the_clusters_own_topics(name: str) -> None:
    forbidden = [
        TOPICS.infer,
        f"{TOPICS.infer}/{name}",
        TOPICS.cluster,
        TOPICS.mode_set,
        TOPICS.done,
        TOPICS.presence(name),
        TOPICS.heartbeat(name),
        TOPICS.partial(name),
        TOPICS.adopt(name),
        f"fluid/feature/{name}",
    ]
    assert [topic for topic in forbidden if TOPICS.may_answer_on(topic)] == []


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0b", "$SYS/broker", "$share/g/a"])
def test_no_answer_goes_to_what_is_no_plain_topic(topic: str) -> None:
    assert not TOPICS.may_answer_on(topic)


@given(LEVELS)
def test_answers_go_to_result_topics_and_to_a_clients_own(name: str) -> None:
    assert TOPICS.may_answer_on(TOPICS.result(name))
    assert TOPICS.may_answer_on(f"home/{name}/answers")


def test_a_topic_that_merely_begins_like_a_reserved_one_may_be_answered_on() -> None:
    assert TOPICS.may_answer_on("fluid/clusters")
    assert TOPICS.may_answer_on("fluidics/cluster")
