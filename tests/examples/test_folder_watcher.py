import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid.errors import ErrorCode
from fluid.processes import start_tied, stop
from tests.examples.photos import CLASSES
from tests.examples.running import EXAMPLES, environment, need_library, run
from tests.examples.stub import answering, as_class, as_error
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


def picture(incoming: Path, name: str = "one.png") -> Path:
    """One that nobody looks at: the tests that use it choose the answers."""
    file = incoming / name
    file.write_bytes(b"an image")
    return file


def kept(folder: Path) -> list[str]:
    """All files but the CSV, by their paths below the folder."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".csv")
    return sorted(str(file.relative_to(folder)) for file in files)


def test_a_name_that_is_no_utf_8_has_its_line_and_stops_no_other(
    empty_broker: LocalBroker, incoming: Path
) -> None:
    odd = picture(incoming, os.fsdecode(b"b\xff.png"))
    picture(incoming, "c.png")
    command = [*COMMAND, incoming, "--once"]
    with answering(empty_broker, as_class("red")):
        done = run(command, env=environment(empty_broker.url))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert kept(incoming) == [f"sorted/red/{odd.name}", "sorted/red/c.png"]
    assert answers(incoming).keys() == {"b\\udcff.png", "c.png"}


@pytest.mark.parametrize(
    ("class_name", "folder"),
    [
        ("..", "_"),
        ("../..", "_.."),
        ("/etc", "_etc"),
        ("a/../../../b", "a_.._.._.._b"),
        ("..\\..\\c:", "_.._c_"),
        ("", "_"),
        ("nul\0 and line\n", "nul_ and line_"),
        ("half \ud83d", "half ?"),
        ("é" * 150, "é" * 127),  # 255 bytes, and no half of a character
    ],
)
def test_no_class_leads_out_of_the_folder_or_is_too_long_for_one(
    empty_broker: LocalBroker, incoming: Path, tmp_path: Path, class_name: str, folder: str
) -> None:
    picture(incoming)
    command = [*COMMAND, incoming, "--once"]
    with answering(empty_broker, as_class(class_name)):
        done = run(command, env=environment(empty_broker.url))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert kept(tmp_path) == [f"incoming/sorted/{folder}/one.png"]
    listed = answers(incoming)["one.png"]["class"]
    assert listed == class_name.encode(errors="backslashreplace").decode()


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_class_is_a_formula_to_a_spreadsheet(
    empty_broker: LocalBroker, incoming: Path, first: str
) -> None:
    picture(incoming)
    command = [*COMMAND, incoming, "--once"]
    with answering(empty_broker, as_class(f"{first}1+1")):
        done = run(command, env=environment(empty_broker.url))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (line,) = answers(incoming).values()
    assert (line["class"], line["confidence"]) == (f"'{first}1+1", "0.5")


def test_a_picture_that_cannot_be_moved_is_tried_again(
    empty_broker: LocalBroker, incoming: Path, tmp_path: Path
) -> None:
    picture(incoming)
    (incoming / "sorted").write_text("in the way")
    command = [str(each) for each in (*COMMAND, incoming, "--broker", empty_broker.url)]
    log = tmp_path / "log"
    with answering(empty_broker, as_class("red")), log.open("wb") as stderr:
        process = start_tied(command, stderr=stderr)
        try:
            wait_until(lambda: log.read_text().endswith("\n"), timeout_s=TIMEOUT_S)
            (incoming / "sorted").unlink()
            wait_until(lambda: "one.png" in answers(incoming), timeout_s=TIMEOUT_S)
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT_S) == 0
        finally:
            stop(process)
    # What comes after the first may be watchdog's: it is sometimes told of the end too late.
    complaint, *others = log.read_text().splitlines()
    assert complaint.startswith("error: one.png: [Errno ")
    assert complaint.endswith("; trying again")
    assert not any("Traceback" in other for other in others)
    assert kept(incoming) == ["sorted/red/one.png"]


def test_a_csv_that_cannot_be_written_is_one_line(
    empty_broker: LocalBroker, incoming: Path
) -> None:
    picture(incoming)
    (incoming / "answers.csv").mkdir()
    done = run([*COMMAND, incoming, "--once"], env=environment(empty_broker.url))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: [Errno ")
    assert done.stderr.count("\n") == 1
    assert kept(incoming) == ["one.png"]


def test_once_says_what_it_leaves_behind(empty_broker: LocalBroker, incoming: Path) -> None:
    names = [picture(incoming, name).name for name in ("one.png", "two.png")]
    command = [*COMMAND, incoming, "--once"]
    with answering(empty_broker, as_error(ErrorCode.NOTHING_RUNNABLE)):
        done = run(command, env=environment(empty_broker.url))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: {name}: no [nothing_runnable]; it is left where it is" for name in names
    ]
    assert kept(incoming) == names


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = run([*COMMAND, tmp_path / "gone"], env=environment())
    assert done.returncode == 1
    assert done.stderr == f"error: {tmp_path / 'gone'}: no such folder; make it first\n"
