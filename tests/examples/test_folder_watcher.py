import csv
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluid.processes import start_tied, stop
from tests.examples.photos import CLASSES
from tests.examples.running import EXAMPLES, environment, need_library, run
from tests.integration.harness.agents import TIMEOUT_S
from tests.integration.harness.cluster import Cluster
from tests.processes import wait_until

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]
COMMAND = (sys.executable, EXAMPLES / "folder_watcher" / "watch.py")


@pytest.fixture(scope="session", autouse=True)  # before a cluster is started for nothing
def _library() -> None:
    need_library("watchdog", "watchdog")


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


def answers(incoming: Path) -> dict[str, dict[str, str]]:
    """The lines of the CSV, by the names of the pictures."""
    file = incoming / "answers.csv"
    if not file.exists():
        return {}
    with file.open(newline="", encoding="utf-8") as lines:
        return {Path(line["file"]).name: line for line in csv.DictReader(lines)}


@pytest.fixture
def watcher(
    cluster: Cluster, incoming: Path, photo_of: dict[str, Path]
) -> "Iterator[subprocess.Popen[bytes]]":
    """One that has answered a picture which was there before it."""
    shutil.copy(photo_of["blue"], incoming / "before.jpg")
    process = start_tied(
        [str(each) for each in (*COMMAND, incoming, "--broker", cluster.broker.url)]
    )
    wait_until(lambda: "before.jpg" in answers(incoming), timeout_s=TIMEOUT_S)
    yield process
    stop(process)


def test_what_lands_in_the_folder_is_sorted_and_listed(
    watcher: "subprocess.Popen[bytes]", incoming: Path, photo_of: dict[str, Path], tmp_path: Path
) -> None:
    for name, photo in photo_of.items():
        shutil.copy(photo, incoming / f"{name}.jpg")  # written there
    shutil.copy(photo_of["red"], tmp_path / "elsewhere.JPG")
    (tmp_path / "elsewhere.JPG").rename(incoming / "moved.JPG")  # moved there
    (incoming / "broken.png").write_bytes(b"no image")
    (incoming / "notes.txt").write_text("of no interest")
    names = {"before.jpg", "moved.JPG", "broken.png", *(f"{name}.jpg" for name in CLASSES)}
    wait_until(lambda: answers(incoming).keys() == names, timeout_s=TIMEOUT_S)
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait(TIMEOUT_S) == 0

    listed = answers(incoming)
    assert {name: listed[f"{name}.jpg"]["class"] for name in CLASSES} == {
        name: name for name in CLASSES
    }
    assert "not_an_image" in listed["broken.png"]["error"]
    assert sorted(
        str(file.relative_to(incoming)) for file in incoming.rglob("*") if file.is_file()
    ) == [
        "answers.csv",
        "failed/broken.png",
        "notes.txt",
        "sorted/blue/before.jpg",
        "sorted/blue/blue.jpg",
        "sorted/green/green.jpg",
        "sorted/red/moved.JPG",
        "sorted/red/red.jpg",
    ]


def test_once_takes_what_is_there_and_keeps_equal_names_apart(
    cluster: Cluster, incoming: Path, photo_of: dict[str, Path]
) -> None:
    for _ in range(2):
        shutil.copy(photo_of["green"], incoming / "door.jpg")
        done = run([*COMMAND, incoming, "--once"], env=environment(cluster.broker.url))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {file.name for file in (incoming / "sorted" / "green").iterdir()} == {
        "door.jpg",
        "door-1.jpg",
    }
    assert answers(incoming).keys() == {"door.jpg", "door-1.jpg"}


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = run([*COMMAND, tmp_path / "gone"], env=environment())
    assert done.returncode == 1
    assert done.stderr == f"error: {tmp_path / 'gone'}: no such folder; make it first\n"
