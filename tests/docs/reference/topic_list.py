"""Every topic: how it is published, as the code publishes it, and by whom, as the access lists say.

The messages are made by the agents' own code, and looked at. What `edge_agent.wire` does not
publish (requests, an operator's word) is as the table of docs/protocol.md says.
"""

from collections.abc import Iterator, Mapping, Sequence

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
    """One message of each kind that agents publish."""
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


def table(told: Mapping[str, Sequence[str]]) -> str:
    """told: by topic, whether it is retained, and its QoS, where the agents' code does not say."""
    published = {_concrete(topic): (retained, qos) for topic, (retained, qos, *_) in told.items()}
    published |= {
        message.topic: ("yes" if message.retain else "no", str(message.qos))
        for message in of_agents()
    }
    rows = [_row(topic, *how) for topic, how in sorted(published.items())]
    head = ("topic", "retained", "QoS", "a device", "a requester", "an operator")
    return write_table(head, rows)


def _row(topic: str, retained: str, qos: str) -> tuple[str, ...]:
    return (
        f"`{_named(topic)}`",
        retained.partition(",")[0],  # "yes, and the last will"
        qos,
        rights.told("devices.acl", OWN, topic, _of_another(topic, OWN)),
        rights.told("clients.acl", USER, topic, _of_another(topic, USER)),
        rights.told("clients.acl", OPERATOR, topic, topic),
    )


def _of_another(topic: str, own: str) -> str:
    """The same topic of somebody else, or the same topic where it is nobody's."""
    return "/".join(OTHER if level == own else level for level in topic.split("/"))


def _concrete(name: str) -> str:
    return name.replace("<agent>", OWN).replace("<request-id>", f"{USER}/1")


def _named(topic: str) -> str:
    words = {OWN: "<agent>", USER: "<user>", "1": "<id>"}
    return "/".join(words.get(level, level) for level in topic.split("/"))
