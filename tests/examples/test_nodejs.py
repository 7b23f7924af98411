import json
import shutil
from pathlib import Path

import pytest

from tests.examples.running import EXAMPLES, environment, missing, need_program, run
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


def test_no_broker_is_one_line(installed: Path, photo_of: dict[str, Path]) -> None:
    nobody = environment(f"mqtt://127.0.0.1:{free_port()}")
    done = run(["node", "classify.mjs", photo_of["red"]], env=nobody, folder=installed)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: cannot connect to the broker: ")
    assert done.stderr.count("\n") == 1
