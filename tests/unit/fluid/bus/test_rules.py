import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid.bus import Message
from fluid.bus.rules import check_filters, check_message, matches, split_share

LEVELS = st.lists(st.sampled_from(["", "a", "b", "ß", "$x"]), min_size=1, max_size=5)
TOPICS = LEVELS.map("/".join).filter(bool)


@pytest.mark.parametrize(
    "topic_filter",
    ["a", "/", "a/b", "+", "#", "a/#", "+/b/#", "/+", "$share/g/a/#", "$share/g/+", "$SYS/#"],
)
def test_good_filters_are_accepted(topic_filter: str) -> None:
    check_filters([topic_filter])


@pytest.mark.parametrize(
    "topic_filter",
    [
        "", "a\0b", "#/a", "a#", "a/b#", "a+", "+a/b", "\ud800", "a" * 65_536,
        "$share/", "$share/g", "$share/g/", "$share//a", "$share/g+/a", "$share/#/a",
        "$share/g/#/a",
    ],
)  # fmt: skip
def test_bad_filters_raise(topic_filter: str) -> None:
    with pytest.raises(ValueError, match=r"topic filter|surrogates"):
        check_filters(["good", topic_filter])


def test_an_empty_list_of_filters_raises() -> None:
    with pytest.raises(ValueError, match="at least one"):
        check_filters([])


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (Message("", b""), "topic '' must have a character"),
        (Message("a/+", b""), "wildcard"),
        (Message("a/#", b""), "wildcard"),
        (Message("a\0", b""), "NUL"),
        (Message("a", b"", qos=2), "QoS 2"),
        (Message("a", b"", qos=-1), "QoS -1"),
        (Message("a", b"", response_topic="b/#"), "response topic"),
        (Message("a", b"", user_properties=(("", "x"),)), "user property"),
        (Message("a", b"", user_properties=(("x", "\0"),)), "user property"),
        (Message("ä" * 40_000, b""), "longer than MQTT allows"),
    ],
)
def test_bad_messages_raise(message: Message, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_message(message)


def test_a_message_with_everything_is_accepted() -> None:
    check_message(Message("/a b/ß", b"\0", 1, True, "r", b"", (("k", ""),), 0))  # noqa: FBT003  # the order of the fields is the test


@pytest.mark.parametrize(
    ("topic_filter", "expected"),
    [
        ("a/b", (None, "a/b")),
        ("$share/g/a/b", ("g", "a/b")),
        ("$share/g//b", ("g", "/b")),
        ("$shared/g/a", (None, "$shared/g/a")),
    ],
)
def test_a_share_is_told_from_its_filter(
    topic_filter: str, expected: tuple[str | None, str]
) -> None:
    assert split_share(topic_filter) == expected


# The examples of MQTT 5, sections 4.7.1.2, 4.7.1.3 and 4.7.2.
@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/monitor", False),
        ("+/monitor", "$SYS/monitor", False),
        ("$SYS/#", "$SYS/monitor", True),
        ("$SYS/+", "$SYS/monitor", True),
        ("sport/tennis", "sport", False),
        ("sport", "sport/tennis", False),
        ("Sport", "sport", False),
    ],
)
def test_filters_match_as_the_standard_says(
    topic_filter: str, topic: str, *, expected: bool
) -> None:
    assert matches(topic_filter, topic) is expected


@settings(deadline=None)
@given(topic=TOPICS, data=st.data())
def test_a_filter_made_from_a_topic_matches_it(topic: str, data: st.DataObject) -> None:
    levels = topic.split("/")
    first = 1 if topic.startswith("$") else 0  # wildcards do not match there
    wanted = levels[:first] + [data.draw(st.sampled_from([each, "+"])) for each in levels[first:]]
    assert matches("/".join(wanted), topic)
    cut = data.draw(st.integers(min_value=first, max_value=len(wanted)))
    assert matches("/".join([*wanted[:cut], "#"]), topic)


@settings(deadline=None)
@given(topic=TOPICS, other=TOPICS)
def test_a_filter_without_wildcards_matches_itself_alone(topic: str, other: str) -> None:
    assert matches(topic, other) is (topic == other)
