"""Every topic: how it is published, as the code publishes it, and by whom, as the access lists say.

The messages are made by the agents' own code, and looked at: nothing of them is written down here
but what stands in for a device's id.
"""

from collections.abc import Iterator

from edge_agent.core import effects as do
from edge_agent.core.events import Request
from edge_agent.wire import SessionOptions, Wire
from fluid.bus import Message
from fluid.messages import Done
from fluid.topics import Topics
from tests.docs.reference import rights
from tests.docs.reference.samples import CLUSTER, HEARTBEAT, PRESENCE, REFUSED
from tests.docs.tables import write_table

OWN, OTHER, USER, OPERATOR = "pi-a", "pi-b", "camera", "operator"
_TOPICS = Topics()
_REQUESTS = (_TOPICS.infer, f"{_TOPICS.infer}/{USER}/1")


def of_agents() -> Iterator[Message]:
    """One message of each kind that agents publish on a topic of their choice."""
    wire = Wire(_TOPICS, OWN, SessionOptions())
    yield wire.presence(PRESENCE)
    yield wire.heartbeat(HEARTBEAT)
    yield wire.term(1)
    yield wire.cluster(do.PublishCluster(CLUSTER))
    yield wire.partials(do.SendPartials(OWN, ()))
    yield wire.features(do.SendFeatures(OWN, ()))
    yield wire.notice(do.SendDone(Done(())))
    yield wire.attempt(do.WriteAttempt(OWN, (), 0))
    yield wire.condemned(do.PublishCondemned(()))
    yield wire.marker(do.DrainAdoption(OWN, ""))
    for topic in _REQUESTS:  # of which none names a response topic
        reply_to = _TOPICS.result(_TOPICS.request_id(topic))
        request = Request(b"", "", reply_to, Message(topic, b""))
        yield wire.reply(do.SendReply(request, [REFUSED], as_list=False, token=0))


def table() -> str:
    """Of agents' topics, and of those that requesters and operators publish."""
    rows = [_row(topic, "no", "as published") for topic in _REQUESTS]
    rows += [
        _row(message.topic, "yes" if message.retain else "no", str(message.qos))
        for message in sorted(of_agents(), key=lambda message: message.topic)
    ]
    rows.append(_row(_TOPICS.mode_set, "no", "1"))
    head = ("topic", "retained", "QoS", "a device", "a requester", "an operator")
    return write_table(head, rows)


def _row(topic: str, retained: str, qos: str) -> tuple[str, ...]:
    return (
        f"`{_named(topic)}`",
        retained,
        qos,
        rights.told("devices.acl", OWN, topic, _of_another(topic, OWN)),
        rights.told("clients.acl", USER, topic, _of_another(topic, USER)),
        rights.told("clients.acl", OPERATOR, topic, topic),
    )


def _of_another(topic: str, own: str) -> str:
    """The same topic of somebody else, or the same topic where it is nobody's."""
    return "/".join(OTHER if level == own else level for level in topic.split("/"))


def _named(topic: str) -> str:
    words = {OWN: "<agent>", USER: "<user>", "1": "<id>"}
    return "/".join(words.get(level, level) for level in topic.split("/"))
