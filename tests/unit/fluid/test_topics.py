import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.topics import Topics, is_agent_id

TOPICS = Topics()
NESTED = Topics("site/line-4/fluid")

# What an MQTT topic level may hold: no control characters, surrogates or non-characters.
LEVELS = st.text(
    st.characters(exclude_characters="/+#$", exclude_categories=["Cc", "Cs", "Cn"]),
    min_size=1,
    max_size=60,
)
UNSPEAKABLE = ["a\0b", "a\nb", "a\x1fb", "a\x7fb", "a\x9fb", "a\ud800b", "a\ufdd0b", "a\U0010ffff"]


def test_names_lie_below_the_base() -> None:
    assert NESTED.infer == "site/line-4/fluid/infer"
    assert NESTED.infer_all == "site/line-4/fluid/infer/#"
    assert NESTED.cluster == "site/line-4/fluid/cluster"
    assert NESTED.mode_set == "site/line-4/fluid/mode/set"
    assert NESTED.presence("pi-1") == "site/line-4/fluid/presence/pi-1"


def test_the_share_is_named_for_the_base_in_one_level() -> None:
    assert NESTED.infer_shared() == "$share/site-line-4-fluid/site/line-4/fluid/infer/#"
    assert Topics().infer_shared("1f") == "$share/fluid-1f/fluid/infer/#"


@pytest.mark.parametrize("base", ["", "a/#", "+/a", "a\0", "$SYS", "/a", "a/", *UNSPEAKABLE])
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
        TOPICS.attempt(name),
        TOPICS.condemned(name),
        TOPICS.state(name),
        f"fluid/feature/{name}",
    ]
    assert [topic for topic in forbidden if TOPICS.may_answer_on(topic)] == []


@pytest.mark.parametrize("topic", ["", "a/+", "#", "$SYS/broker", "$share/g/a", *UNSPEAKABLE])
def test_no_answer_goes_to_what_is_no_plain_topic(topic: str) -> None:
    assert not TOPICS.may_answer_on(topic)


@given(LEVELS)
def test_answers_go_to_result_topics_and_to_a_clients_own(name: str) -> None:
    assert TOPICS.may_answer_on(TOPICS.result(name))
    assert TOPICS.may_answer_on(f"home/{name}/answers")


def test_a_topic_that_merely_begins_like_a_reserved_one_may_be_answered_on() -> None:
    assert TOPICS.may_answer_on("fluid/clusters")
    assert TOPICS.may_answer_on("fluidics/cluster")


def test_a_base_has_at_most_256_bytes_and_16_levels() -> None:
    assert Topics("a" * 256).base == "a" * 256
    assert Topics("/".join("a" * 16)).cluster.endswith("a/cluster")
    for base in ("a" * 257, "é" * 129):
        with pytest.raises(ValueError, match="base topic must have at most 256 bytes"):
            Topics(base)
    with pytest.raises(ValueError, match="base topic must have at most 16 levels"):
        Topics("/".join("a" * 17))


def test_answers_go_to_topics_of_at_most_1024_bytes_and_100_levels() -> None:
    assert TOPICS.may_answer_on("a" * 1024)
    assert TOPICS.may_answer_on("/".join("a" * 100))
    assert not TOPICS.may_answer_on("a" * 1025)
    assert not TOPICS.may_answer_on("é" * 513)
    assert not TOPICS.may_answer_on("/".join("a" * 101))


@pytest.mark.parametrize("text", ["a", "7", "pi-1", "Rack_2.node-3", "a" * 64])
def test_letters_digits_and_a_few_signs_name_an_agent(text: str) -> None:
    assert is_agent_id(text)


@pytest.mark.parametrize(
    "text", ["", "-a", ".a", "_a", "a b", "a/b", "a:b", "a%", "a\n", "é", "٣", "a" * 65]
)
def test_other_text_names_no_agent(text: str) -> None:
    assert not is_agent_id(text)


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("fluid/presence/pi-1", "presence"),
        ("fluid/cluster", "cluster"),
        ("fluid/mode/set", "mode"),
        ("fluid/infer/door/17", "infer"),
        ("fluid/result/me", "other"),
        ("fluid", "other"),
        ("fluid/", "other"),
        ("presence/pi-1", "other"),
        ("other/presence/pi-1", "other"),
        ("fluid/what a publisher likes", "other"),
    ],
)
def test_the_kind_of_a_topic_is_one_of_few(topic: str, kind: str) -> None:
    assert TOPICS.kind(topic) == kind
