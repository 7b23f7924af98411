"""MQTT: the broker lets this agent in, and lets it write and read what an agent must.

Some brokers (Mosquitto with an ACL file) accept every subscription and then bring nothing, so a
right to read is shown only by a message that comes back. An agent of this id may be running, and
others are. So what is sent must mean nothing to them:

- under a client id of its own, in a session of its own, which ends with it;
- an empty list of shares, a notice about no request, the term 0, a marker that nobody waits for;
- the clearing of a retained request that never was, an answer that nobody asked for;
- what speaks for this agent only while no agent of this id is heard, and then only what is
  retained there already, once more, or what clears nothing where nothing is.

Not tried: writing `cluster`, and heartbeats, which would claim the name. Where an agent of this id
runs, its presence and its heartbeats show that it may write them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_agent.doctor.conversation import Conversation, Ended
from edge_agent.doctor.finding import Finding, Status
from edge_agent.wire import Wire
from fluid.bus import Bus, Message
from fluid.messages import AgentState, Done, Malformed, decode_presence

CONNECTION, RIGHTS = "connection", "rights"
# Three heartbeats.
_HEARTBEATS_S = 1.5
_ECHO_S = 3.0
_WORD = b"doctor"
_NOT_AUTHORIZED = "Not authorized"  # MQTT 5, section 3.2.2.2, in paho's words


@dataclass(frozen=True, slots=True)
class _Tried:
    """unsubscribed, unwritten, unread: the topics that were denied."""

    unsubscribed: Sequence[str]
    unwritten: Sequence[str]
    unread: Sequence[str]
    count: int
    runs: bool


def check_rights(bus: Bus, wire: Wire, *, tag: str) -> list[Finding]:
    """At one broker. tag: makes the client id one that nobody has."""
    broker = str(bus)
    options = wire.doctor_options(tag)
    try:
        with Conversation(bus, options) as talk:
            try:
                tried = _try(talk, wire, tag)
            except Ended as ended:
                return [_let_in(broker), _broken_off(str(ended), broker)]
    except Ended as ended:
        message = str(ended).removeprefix(f"{broker} ")
        if _NOT_AUTHORIZED in message:
            message += (
                "; connect to the port that is for devices (8884 as we ship it), or give the "
                "user name and password that the broker knows"
            )
        return [Finding(CONNECTION, Status.FAILED, message, broker)]
    return [_let_in(broker), _rights(tried, wire.agent, broker)]


def _try(talk: Conversation, wire: Wire, tag: str) -> _Tried:
    topics, agent = wire.topics, wire.agent
    reads = [each.topic_filter for each in wire.control_subscriptions()]
    # Requests to all agents are not taken: a filter that has ours alone, and a share of its own.
    request = f"{topics.infer}/{agent}/doctor"
    answer = topics.result(f"{agent}/doctor")
    reads += [topics.adopt(agent), request, answer, f"$share/doctor-{tag}/{request}"]
    unsubscribed = talk.subscribe(reads)
    presence_topic = topics.presence(agent)
    talk.listen([topics.heartbeat(agent)], timeout_s=_HEARTBEATS_S)
    runs = talk.heard(topics.heartbeat(agent)) is not None
    probes = [
        Message(topics.term(agent), b"0", qos=1),
        Message(topics.partial(agent), b"", qos=1),
        Message(topics.feature(agent), b"", qos=1),
        Message(topics.done, Done(()).encode(), qos=1),
        Message(topics.adopt(agent), _WORD, qos=1),
        Message(request, b"", qos=1, retain=True),
        Message(answer, _WORD, qos=1),
    ]
    if not runs and not _says_online(talk, presence_topic):
        own = (presence_topic, topics.attempt(agent), topics.condemned(agent))
        probes += [Message(each, _retained(talk, each), qos=1) for each in own]
    unwritten = talk.publish(probes)
    written = [each.topic for each in probes if each.topic not in unwritten]
    unread = talk.listen(written, timeout_s=_ECHO_S)
    return _Tried(unsubscribed, unwritten, sorted(unread), len(reads) + len(probes), runs)


def _retained(talk: Conversation, topic: str) -> bytes:
    kept = talk.heard(topic)
    return kept.payload if kept is not None else b""


def _says_online(talk: Conversation, topic: str) -> bool:
    presence = decode_presence(_retained(talk, topic))
    return not isinstance(presence, Malformed) and presence.state is AgentState.ONLINE


def _let_in(broker: str) -> Finding:
    return Finding(CONNECTION, Status.OK, "the broker lets this agent in", broker)


def _broken_off(why: str, broker: str) -> Finding:
    message = (
        f"the broker ended the connection when rights were tried ({why}): its own log says why; "
        "broker/devices.acl has what an agent must be allowed"
    )
    return Finding(RIGHTS, Status.FAILED, message, broker)


def _rights(tried: _Tried, agent: str, broker: str) -> Finding:
    denied = [
        f"{verb} {_listed(names)}"
        for verb, names in (
            ("subscribe to", tried.unsubscribed),
            ("write", tried.unwritten),
            ("read", tried.unread),
        )
        if names
    ]
    if denied:
        message = (
            f"the broker does not let it {'; nor '.join(denied)}: allow that to '{agent}' in its "
            "access control list (broker/devices.acl has all that an agent must be allowed)"
        )
        return Finding(RIGHTS, Status.FAILED, message, broker)
    runs = ", and an agent of this id runs" if tried.runs else ""
    message = f"each of {tried.count} subscriptions and messages passed{runs}"
    return Finding(RIGHTS, Status.OK, message, broker)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
