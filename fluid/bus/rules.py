"""What MQTT 5 lets a link say, and which topics a filter matches.

Both buses share this, so that a program which one refuses is refused by the other too. It knows
nothing of Fluid's own topic tree: that is `fluid.topics`.
"""

from collections.abc import Sequence

from fluid.bus.protocol import Message

_MAX_SIZE_BYTES = 65_535  # section 1.5.4: a string's length has two bytes
_SHARE_PREFIX = "$share/"


def check_message(message: Message) -> None:
    """Raise ValueError for a message that cannot be published, or be a will."""
    _check_topic(message.topic, what="topic")
    if message.qos not in (0, 1):
        raise ValueError(f"QoS {message.qos} is not used here: 0 or 1")
    if message.response_topic is not None:
        _check_topic(message.response_topic, what="response topic")
    for name, value in message.user_properties:
        _check_text(name, what="user property")
        _check_text(value, what="user property", may_be_empty=True)


def check_filters(topic_filters: Sequence[str]) -> None:
    """Raise ValueError if there is none, or one is no topic filter (sections 4.7 and 4.8.2)."""
    if not topic_filters:
        raise ValueError("a packet needs at least one topic filter")
    for topic_filter in topic_filters:
        _check_filter(topic_filter)


def split_share(topic_filter: str) -> tuple[str | None, str]:
    """The share name, None for a filter that is not shared, and the filter proper."""
    if not topic_filter.startswith(_SHARE_PREFIX):
        return None, topic_filter
    group, _, plain = topic_filter.removeprefix(_SHARE_PREFIX).partition("/")
    return group, plain


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a filter (without its share) matches a topic; `a/#` matches `a` as well.

    Wildcards at the first level do not match topics that begin with $ (section 4.7.2).
    """
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    wanted = topic_filter.split("/")
    levels = topic.split("/")
    for depth, level in enumerate(wanted):
        if level == "#":
            return True
        if depth == len(levels) or level not in ("+", levels[depth]):
            return wanted[depth:] == ["#"]
    return len(wanted) == len(levels)


def _check_filter(topic_filter: str) -> None:
    _check_text(topic_filter, what="topic filter")
    group, plain = split_share(topic_filter)
    if group is not None and (not group or not plain or "+" in group or "#" in group):
        raise ValueError(f"topic filter {topic_filter!r} must be $share/<name>/<filter>")
    levels = plain.split("/")
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        raise ValueError(f"topic filter {topic_filter!r} may have # only as its last level")
    if any("+" in level and level != "+" for level in levels):
        raise ValueError(f"topic filter {topic_filter!r} may have + only as a whole level")


def _check_topic(topic: str, *, what: str) -> None:
    _check_text(topic, what=what)
    if "+" in topic or "#" in topic:
        raise ValueError(f"{what} {topic!r} must not contain a wildcard")


def _check_text(text: str, *, what: str, may_be_empty: bool = False) -> None:
    """A UTF-8 encoded string (section 1.5.4)."""
    if "\0" in text or not (text or may_be_empty):
        raise ValueError(f"{what} {text!r} must have a character and no NUL")
    # A lone surrogate cannot be encoded: that, too, is a ValueError.
    if len(text.encode()) > _MAX_SIZE_BYTES:
        raise ValueError(f"{what} of {len(text)} characters is longer than MQTT allows")
