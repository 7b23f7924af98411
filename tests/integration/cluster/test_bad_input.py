"""What is no request gets a coded answer, one, and does not disturb anybody."""

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fluid import FluidClient
from fluid.bus import Message
from fluid.codec import PNG_MAGIC, DecodeLimits
from fluid.errors import ErrorCode
from fluid.messages import ClusterState, ErrorReply, Mode, Presence, decode_replies
from tests.integration.harness.cluster import AGENTS, WORKER, Cluster
from tests.integration.harness.images import npy, png
from tests.integration.harness.mosquitto import mosquitto_pub
from tests.integration.harness.oracle import Oracle
from tests.recorder import Recorder

# Other tests and tools also use topics below `fluid/result`.
OURS = "bad"
LIMITS = DecodeLimits()


def _empty(_oracle: Oracle) -> bytes:
    return b""


def _text(_oracle: Oracle) -> bytes:
    return b"is this a digit?"


def _cut_png(oracle: Oracle) -> bytes:
    payload = png(oracle.image(0))
    return payload[: payload.index(b"IDAT") + 14]  # ends among the pixels


def _png_head(_oracle: Oracle) -> bytes:
    return PNG_MAGIC


def _cut_npy(oracle: Oracle) -> bytes:
    return npy(oracle.images[:4])[:-1]


def _larger_png(oracle: Oracle) -> bytes:
    return png(np.pad(oracle.image(0), ((0, 1), (0, 0), (0, 0))))


def _other_npy(oracle: Oracle) -> bytes:
    return npy(oracle.images[:2, :, 1:])


def _many_bytes(_oracle: Oracle) -> bytes:
    return bytes(LIMITS.max_bytes + 1)


def _many_images(oracle: Oracle) -> bytes:
    return npy(oracle.images[: LIMITS.max_batch + 1])


def _pixel_bomb(_oracle: Oracle) -> bytes:
    """A whole PNG of a few bytes whose header promises 3.6 thousand million pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
    return PNG_MAGIC + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


PAYLOADS: dict[Callable[[Oracle], bytes], ErrorCode] = {
    _empty: ErrorCode.EMPTY_PAYLOAD,
    _text: ErrorCode.NOT_AN_IMAGE,
    _cut_png: ErrorCode.TRUNCATED_IMAGE,
    _png_head: ErrorCode.TRUNCATED_IMAGE,
    _cut_npy: ErrorCode.TRUNCATED_IMAGE,
    _larger_png: ErrorCode.WRONG_SHAPE,
    _other_npy: ErrorCode.WRONG_SHAPE,
    _many_bytes: ErrorCode.PAYLOAD_TOO_LARGE,
    _many_images: ErrorCode.PAYLOAD_TOO_LARGE,
    _pixel_bomb: ErrorCode.TOO_MANY_PIXELS,
}
MODES = [Mode.HA, Mode.HT]


@pytest.fixture
def results(cluster: Cluster) -> Iterator[Recorder]:
    """Hears the answers to these tests' requests, and those that have no other place."""
    with cluster.listening(f"fluid/result/{OURS}/#", "fluid/result") as recorder:
        yield recorder


@pytest.fixture(autouse=True)
def _goes_on_serving(
    cluster: Cluster, client: FluidClient, oracle: Oracle, request: pytest.FixtureRequest
) -> Iterator[None]:
    """After each test the agents answer as before it, and none has ended unasked."""
    mode = request.node.callspec.params["mode"]
    cluster.assemble(mode)
    yield
    cluster.wait_until_formed(mode)
    for index, answer in enumerate(client.infer_many(oracle.images[:20])):
        oracle.check(answer.result(), index)


def _what_is_retained(cluster: Cluster) -> tuple[ClusterState | None, tuple[Presence, ...]]:
    snapshot = cluster.snapshot()
    return snapshot.state, snapshot.presences


def _errors(cluster: Cluster, results: Recorder) -> list[tuple[str, ErrorReply]]:
    """All answers that there will ever be to what was published, as (topic, error)."""
    cluster.settle()
    found = []
    for delivered in results.all_until_now():
        replies = decode_replies(delivered.message.payload)
        assert isinstance(replies, tuple), replies
        (reply,) = replies
        assert isinstance(reply, ErrorReply), reply
        assert reply.message
        assert "\n" not in reply.message
        found.append((delivered.message.topic, reply))
    return found


@pytest.mark.parametrize("mode", MODES)
def test_each_unusable_payload_gets_its_code_exactly_once(
    cluster: Cluster, oracle: Oracle, results: Recorder, mode: Mode
) -> None:
    expected = []
    for make, code in PAYLOADS.items():
        request_id = f"{OURS}/{make.__name__}"
        results.publish(Message(f"fluid/infer/{request_id}", make(oracle), qos=1))
        expected.append((f"fluid/result/{request_id}", request_id, code))
    answers = [(topic, reply.id, reply.code) for topic, reply in _errors(cluster, results)]
    assert sorted(answers) == sorted(expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("topic", ["cluster", "presence/master", "infer", "infer/again", "done"])
def test_a_response_topic_of_the_cluster_is_refused_on_the_common_result_topic(
    cluster: Cluster, oracle: Oracle, results: Recorder, topic: str, mode: Mode
) -> None:
    before = _what_is_retained(cluster)
    results.publish(
        Message(
            "fluid/infer",
            png(oracle.image(0)),
            qos=1,
            response_topic=f"fluid/{topic}",
            correlation=b"bad-topic",
        )
    )
    # Just after a change of mode a copy may still come by the route that is being left.
    answers = {(topic, reply.id, reply.code) for topic, reply in _errors(cluster, results)}
    assert answers == {("fluid/result", "bad-topic", ErrorCode.BAD_RESPONSE_TOPIC)}
    assert _what_is_retained(cluster) == before


@pytest.mark.parametrize("mode", MODES)
def test_a_retained_request_is_refused_once_and_never_asked_again(
    cluster: Cluster, oracle: Oracle, results: Recorder, mode: Mode
) -> None:
    topic = f"fluid/infer/{OURS}/kept"
    results.publish(Message(topic, png(oracle.image(0)), qos=1, retain=True))
    ((_, reply),) = _errors(cluster, results)
    assert reply.code == ErrorCode.RETAINED_REQUEST
    cluster[WORKER].kill()
    cluster.assemble(mode)  # subscribes again
    assert _errors(cluster, results) == []
    mosquitto_pub(cluster.broker, topic, None, "-r", "-q", "1")  # clears it, as the error says
    assert _errors(cluster, results) == []


@pytest.mark.parametrize("mode", MODES)
def test_nonsense_on_the_clusters_own_topics_is_logged_and_changes_nothing(
    cluster: Cluster, results: Recorder, mode: Mode
) -> None:
    before = _what_is_retained(cluster)
    topics = [
        *("cluster", "mode/set", "done", "heartbeat/ghost", "presence/ghost"),
        *("partial/master", "partial/worker", "presence/master"),
    ]
    for topic in topics:
        for payload in (b"\xff\x00nonsense", b"[" * 100_000, b'{"agent": 7}'):
            results.publish(Message(f"fluid/{topic}", payload, qos=1))
    for agent in AGENTS:
        cluster[agent].wait_until_it_logs(f"malformed topic=fluid/partial/{agent}", times=3)
    assert _what_is_retained(cluster) == before
