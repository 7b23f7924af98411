"""Anybody with an MQTT client gets an answer: the topics, formats and versions they may use."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluid.bus import Message
from fluid.client import FluidClient
from fluid.messages import Mode, Reply, Result, decode_replies
from tests.integration.harness.cluster import TOGETHER, Cluster
from tests.integration.harness.images import Pixels, decoded, jpeg, npy, png
from tests.integration.harness.mosquitto import mosquitto_pub, mosquitto_rr
from tests.integration.harness.oracle import Expected, Oracle
from tests.recorder import Recorder

INFER, RESULT = "fluid/infer", "fluid/result"
# Request ids of these tests begin alike, because others also use topics below `fluid/result`.
OURS = "test"


@pytest.fixture(autouse=True)
def _high_accuracy(cluster: Cluster) -> None:
    cluster.assemble(Mode.HA)


@pytest.fixture
def results(cluster: Cluster) -> Iterator[Recorder]:
    """Hears every answer to these tests' requests."""
    with cluster.listening(RESULT, f"{RESULT}/{OURS}/#") as recorder:
        yield recorder


def _next(results: Recorder) -> Message:
    (delivered,) = results.delivered(1)
    return delivered.message


def _read(payload: bytes) -> tuple[Reply, ...]:
    replies = decode_replies(payload)
    assert isinstance(replies, tuple), replies
    return replies


def _check(payload: bytes, *expected: Expected) -> list[Result]:
    """The results in a payload; fails unless they are these."""
    replies = _read(payload)
    results = [reply for reply in replies if isinstance(reply, Result)]
    assert len(results) == len(replies) == len(expected), replies
    for result, right in zip(results, expected, strict=True):
        assert result.subnetwork == TOGETHER
        assert (result.label, result.confidence) == (right.label, right.probabilities[right.label])
    return results


def _file(folder: Path, payload: bytes) -> Path:
    path = folder / "payload"
    path.write_bytes(payload)
    return path


def test_a_png_without_an_id_is_answered_on_the_result_topic(
    cluster: Cluster, oracle: Oracle, results: Recorder, tmp_path: Path
) -> None:
    mosquitto_pub(cluster.broker, INFER, _file(tmp_path, png(oracle.image(0))))
    message = _next(results)
    assert message.topic == RESULT
    assert not message.retain
    (result,) = _check(message.payload, oracle.expected(TOGETHER, 0))
    assert result.id  # derived from the content
    assert result.bundle == oracle.digest[:12]


def test_equal_requests_without_an_id_are_all_answered(
    cluster: Cluster, oracle: Oracle, results: Recorder, tmp_path: Path
) -> None:
    for _ in range(3):
        mosquitto_pub(cluster.broker, INFER, _file(tmp_path, png(oracle.image(1))), "-q", "1")
    answers = [_check(_next(results).payload, oracle.expected(TOGETHER, 1)) for _ in range(3)]
    assert len({result.id for (result,) in answers}) == 1
    # Which copy of equal requests was answered cannot be told, so there may be one more answer: it
    # is not to come while the next test listens.
    cluster.settle()


def test_a_png_with_an_id_in_its_topic_is_answered_under_that_id(
    cluster: Cluster, oracle: Oracle, results: Recorder, tmp_path: Path
) -> None:
    mosquitto_pub(cluster.broker, f"{INFER}/{OURS}/door-7", _file(tmp_path, png(oracle.image(2))))
    message = _next(results)
    assert message.topic == f"{RESULT}/{OURS}/door-7"
    (result,) = _check(message.payload, oracle.expected(TOGETHER, 2))
    assert result.id == f"{OURS}/door-7"


@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
def test_every_protocol_version_and_qos_is_answered_in_either_mode(
    cluster: Cluster,
    oracle: Oracle,
    results: Recorder,
    tmp_path: Path,
    version: str,
    qos: str,
    mode: Mode,
) -> None:
    cluster.wait_until_formed(mode)
    request_id = f"{OURS}/{version}-{qos}-{mode}"
    mosquitto_pub(
        cluster.broker,
        f"{INFER}/{request_id}",
        _file(tmp_path, png(oracle.image(3))),
        *("-V", version, "-q", qos),
    )
    message = _next(results)
    assert message.topic == f"{RESULT}/{request_id}"
    (reply,) = _read(message.payload)
    assert isinstance(reply, Result)
    assert reply.mode is mode
    oracle.check(reply, 3)


def _raw(pixels: Pixels) -> bytes:
    return pixels.tobytes()


def _grey_npy(pixels: Pixels) -> bytes:
    return npy(pixels[..., 0])


@pytest.mark.parametrize("encode", [_raw, npy, _grey_npy, jpeg])
def test_raw_pixels_npy_and_jpeg_are_answered_like_a_png(
    cluster: Cluster,
    oracle: Oracle,
    results: Recorder,
    tmp_path: Path,
    encode: Callable[[Pixels], bytes],
) -> None:
    payload = encode(oracle.image(4))
    seen = decoded(payload) if encode is jpeg else oracle.image(4)
    mosquitto_pub(cluster.broker, INFER, _file(tmp_path, payload))
    _check(_next(results).payload, *oracle.classify(TOGETHER, seen[None]))


@pytest.mark.parametrize("count", [1, 5])
def test_a_batch_is_answered_with_one_list_in_its_order(
    cluster: Cluster, oracle: Oracle, results: Recorder, tmp_path: Path, count: int
) -> None:
    payload = npy(oracle.images[:count])
    mosquitto_pub(cluster.broker, f"{INFER}/{OURS}/batch", _file(tmp_path, payload))
    answer = _next(results).payload
    assert answer.startswith(b"[")
    expected = [oracle.expected(TOGETHER, index) for index in range(count)]
    assert {result.id for result in _check(answer, *expected)} == {f"{OURS}/batch"}


def test_mosquitto_sub_prints_the_answer_as_a_line_of_json(
    cluster: Cluster, oracle: Oracle, tmp_path: Path
) -> None:
    command = ["mosquitto_sub", "-p", str(cluster.broker.port), "-t", RESULT, "-C", "1", "-d"]
    # Line by line, or its own buffer would keep from us that it has subscribed.
    line_by_line = ["stdbuf", "-oL", *command]
    with subprocess.Popen(line_by_line, stdout=subprocess.PIPE) as subscriber:
        assert subscriber.stdout is not None
        assert any(b"Subscribed" in line for line in subscriber.stdout)
        mosquitto_pub(cluster.broker, INFER, _file(tmp_path, png(oracle.image(5))))
        lines = [line for line in subscriber.stdout if line.startswith(b"{")]
        assert subscriber.wait() == 0
    assert len(lines) == 1
    _check(lines[0], oracle.expected(TOGETHER, 5))


def test_a_mosquitto_rr_round_trip_is_answered_on_its_response_topic(
    cluster: Cluster, oracle: Oracle
) -> None:
    pixels = oracle.image(6).clip(min=1)  # an argument of a program cannot hold a zero byte
    options = ("-e", "reply/rr", "-D", "publish", "correlation-data", "rr-1")
    answer = mosquitto_rr(cluster.broker, INFER, _raw(pixels), *options)
    (result,) = _check(answer, *oracle.classify(TOGETHER, pixels[None]))
    assert result.id == "rr-1"


def test_correlation_data_comes_back_unchanged_on_the_response_topic(
    cluster: Cluster, oracle: Oracle
) -> None:
    correlation = bytes(range(256))
    with cluster.listening("reply/here") as replies:
        replies.publish(
            Message(
                f"{INFER}/ignored-for-the-reply",
                png(oracle.image(7)),
                qos=1,
                response_topic="reply/here",
                correlation=correlation,
                user_properties=(("probabilities", "true"),),
            )
        )
        message = _next(replies)
    assert message.correlation == correlation
    (result,) = _check(message.payload, oracle.expected(TOGETHER, 7))
    assert result.probabilities == oracle.expected(TOGETHER, 7).probabilities


@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
def test_each_request_of_many_gets_exactly_one_answer(
    cluster: Cluster, oracle: Oracle, results: Recorder, mode: Mode
) -> None:
    cluster.wait_until_formed(mode)
    ids = [f"{OURS}/{index}" for index in range(200)]
    for index, request_id in enumerate(ids):
        results.publish(Message(f"{INFER}/{request_id}", png(oracle.image(index)), qos=1))
    cluster.settle()
    topics = [delivered.message.topic for delivered in results.all_until_now()]
    assert sorted(topics) == sorted(f"{RESULT}/{request_id}" for request_id in ids)


def test_the_library_takes_files_bytes_arrays_and_batches(
    cluster: Cluster, client: FluidClient, oracle: Oracle, tmp_path: Path
) -> None:
    file = _file(tmp_path, png(oracle.image(8)))
    for image in (file, str(file), file.read_bytes(), oracle.image(8), oracle.image(8)[..., 0]):
        oracle.check(client.infer(image), 8)
    for index, result in enumerate(client.infer_batch(oracle.images[:6], probabilities=True)):
        oracle.check(result, index)
