import json
from pathlib import Path

import pytest

from tests.examples.running import EXAMPLES, environment, need_program, run
from tests.integration.harness.cluster import Cluster

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]
SCRIPT = EXAMPLES / "mosquitto" / "classify.sh"


@pytest.fixture(scope="session", autouse=True)  # before a cluster is started for nothing
def _clients() -> None:
    need_program("mosquitto_pub")
    need_program("mosquitto_sub")


def test_each_photo_gets_its_class(cluster: Cluster, photo_of: dict[str, Path]) -> None:
    for name, photo in photo_of.items():
        done = run([SCRIPT, photo, "-p", str(cluster.broker.port)], env=environment())
        assert (done.returncode, done.stderr) == (0, "")
        answer = json.loads(done.stdout)
        assert (answer["class"], answer["subnetwork"]) == (name, "100")


def test_what_is_no_image_is_an_error(cluster: Cluster, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("no image")
    done = run([SCRIPT, text, "-p", str(cluster.broker.port)], env=environment())
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "not_an_image"


def test_a_file_that_is_not_there_is_an_error() -> None:
    done = run([SCRIPT, "gone.jpg"], env=environment())
    assert (done.returncode, done.stderr) == (1, "error: gone.jpg: no such file\n")
