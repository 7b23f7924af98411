import json
import shutil
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid.bus import Message
from fluid.errors import ErrorCode
from tests.examples.running import EXAMPLES, environment, missing, need_program, run
from tests.examples.stub import answering, as_class, refusal, result
from tests.integration.harness.cluster import Cluster
from tests.processes import free_port

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its library, as `npm install` leaves it."""
    need_program("node")
    need_program("npm")
    folder = tmp_path_factory.mktemp("nodejs")
    for name in ("package.json", "classify.mjs"):
        shutil.copy(EXAMPLES / "nodejs" / name, folder)
    done = run(["npm", "install", "--no-audit", "--no-fund"], env=environment(), folder=folder)
    if done.returncode:
        missing(f"npm cannot install MQTT.js: {done.stderr.strip().splitlines()[-1]}")
    return folder


def test_each_photo_gets_its_class(
    installed: Path, cluster: Cluster, photo_of: dict[str, Path]
) -> None:
    command = ["node", "classify.mjs", *photo_of.values()]
    done = run(command, env=environment(cluster.broker.url), folder=installed)
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    classes = {each["image"]: (each["class"], each["subnetwork"]) for each in answers}
    assert classes == {str(photo): (name, "100") for name, photo in photo_of.items()}


def test_what_is_no_image_is_an_error_and_stops_no_other(
    installed: Path, cluster: Cluster, photo_of: dict[str, Path], tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("no image")
    command = ["node", "classify.mjs", text, tmp_path / "gone.jpg", photo_of["red"]]
    done = run(command, env=environment(cluster.broker.url), folder=installed)
    assert done.returncode == 1
    answers = {each["image"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert answers[str(text)]["error"]["code"] == "not_an_image"
    assert answers[str(photo_of["red"])]["class"] == "red"
    assert done.stderr.startswith(f"error: {tmp_path / 'gone.jpg'}: ENOENT")


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"{cut o", "the answer is no JSON: "),
        (b"null", "the answer has neither a class nor an error\n"),
        (b"[]", "the answer has neither a class nor an error\n"),
        (b"[null]", "the answer has neither a class nor an error\n"),
    ],
)
def test_a_malformed_answer_is_one_line_and_stops_no_other(
    installed: Path, empty_broker: LocalBroker, tmp_path: Path, answer: bytes, complaint: str
) -> None:
    odd, good = tmp_path / "odd.jpg", tmp_path / "good.jpg"
    odd.write_bytes(b"odd")
    good.write_bytes(b"good")

    def answer_one_badly(request: Message) -> bytes:
        return answer if request.payload == b"odd" else as_class("red")(request)

    with answering(empty_broker, answer_one_badly):
        command = ["node", "classify.mjs", odd, good]
        done = run(command, env=environment(empty_broker.url), folder=installed)
    assert done.returncode == 1
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (line["image"], line["class"]) == (str(good), "red")
    assert done.stderr.startswith(f"error: {odd}: {complaint}")
    assert done.stderr.count("\n") == 1


def test_a_batch_has_a_line_for_each_of_its_images_and_an_error_in_it_counts(
    installed: Path, empty_broker: LocalBroker, tmp_path: Path
) -> None:
    batch = tmp_path / "batch.npy"
    batch.write_bytes(b"a batch")

    def answer_half(request: Message) -> bytes:
        return json.dumps(
            [result(request, "red"), refusal(request, ErrorCode.EXECUTION_FAILED)]
        ).encode()

    with answering(empty_broker, answer_half):
        command = ["node", "classify.mjs", batch]
        done = run(command, env=environment(empty_broker.url), folder=installed)
    assert (done.returncode, done.stderr) == (1, "")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["image"], first["class"]) == (str(batch), "red")
    assert (second["image"], second["error"]["code"]) == (str(batch), "execution_failed")


def test_of_several_brokers_the_first_that_lets_it_in_is_asked(
    installed: Path, empty_broker: LocalBroker, tmp_path: Path
) -> None:
    image = tmp_path / "one.jpg"
    image.write_bytes(b"an image")
    gone = f"127.0.0.1:{free_port()}"
    # A password may have a comma.
    brokers = f"mqtt://{gone},{empty_broker.url.replace('//', '//camera:a,b@')},mqtt://{gone}"
    with answering(empty_broker, as_class("red")):
        command = ["node", "classify.mjs", image]
        done = run(command, env=environment(brokers), folder=installed)
    assert (done.returncode, json.loads(done.stdout)["class"]) == (0, "red")
    assert done.stderr.startswith(f"warning: cannot connect to {gone}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("pi-1", "pi-1"),
        ("http://pi-1", "http://pi-1"),
        ("mqtt://camera:secret@pi-1:port", "mqtt://pi-1:port"),
        ("camera:secret@pi-1", "pi-1"),
        ("mqtt://pi-1,pi-2", "mqtt://pi-1,pi-2"),
        ("mqtt://camera%zz:secret@pi-1", "mqtt://pi-1"),
        ("mqtt://pi-1,mqtts://", "mqtts://"),
    ],
)
def test_a_malformed_address_is_one_line_without_the_password(
    installed: Path, address: str, shown: str
) -> None:
    done = run(["node", "classify.mjs", "one.jpg"], env=environment(address), folder=installed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: broker address '{shown}' must look like mqtt://user:password@host:1883\n"
    )


def test_no_broker_is_one_line(installed: Path, photo_of: dict[str, Path]) -> None:
    port = free_port()
    nobody = environment(f"mqtt://127.0.0.1:{port}")
    done = run(["node", "classify.mjs", photo_of["red"]], env=nobody, folder=installed)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: cannot connect to 127.0.0.1:{port}: ")
    assert done.stderr.count("\n") == 1
