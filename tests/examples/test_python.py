import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from broker import LocalBroker
from fluid.bundle import load_bundle
from tests.examples.conftest import OwnDataSet
from tests.examples.running import EXAMPLES, TIMEOUT_S, environment, run
from tests.examples.stub import answering, as_class
from tests.integration.harness.cluster import Cluster
from tests.processes import free_port

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]
COMMAND = (sys.executable, EXAMPLES / "python" / "classify.py")


def test_each_photo_gets_its_class_and_a_bad_one_an_error(
    cluster: Cluster, photo_of: dict[str, Path], tmp_path: Path
) -> None:
    images = [*photo_of.values(), tmp_path / "gone.jpg"]
    done = run([*COMMAND, *images], env=environment(cluster.broker.url))
    assert done.returncode == 1
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == [
        f"{photo}: {name}" for name, photo in photo_of.items()
    ]
    assert all("sub-network 100 on master + worker" in line for line in done.stdout.splitlines())
    assert done.stderr.startswith(f"{tmp_path / 'gone.jpg'}: error: ")


def test_a_batch_is_an_error_and_stops_no_other(
    cluster: Cluster, own_data_set: OwnDataSet, photo_of: dict[str, Path], tmp_path: Path
) -> None:
    shape = load_bundle(own_data_set.bundle).manifest.input.shape
    batch = tmp_path / "batch.npy"
    np.save(batch, np.zeros((2, *shape), np.uint8))
    done = run([*COMMAND, batch, photo_of["red"]], env=environment(cluster.broker.url))
    assert (done.returncode, done.stdout.split(" (")[0]) == (1, f"{photo_of['red']}: red")
    assert done.stderr.startswith(f"{batch}: error: ")
    assert "batch of 2" in done.stderr


def run_into(output: int, broker: LocalBroker, images: list[Path]) -> tuple[int, str]:
    """The exit status and the complaints, with the answers written to a file descriptor."""
    with answering(broker, as_class("red")):
        done = subprocess.run(
            [str(each) for each in (*COMMAND, *images)],
            env=environment(broker.url),
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    return done.returncode, done.stderr


def test_a_reader_that_has_seen_enough_ends_it_quietly(
    empty_broker: LocalBroker, photo_of: dict[str, Path]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run_into(writer, empty_broker, [*photo_of.values()]) == (1, "")
    finally:
        os.close(writer)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
def test_a_full_disk_is_one_line(empty_broker: LocalBroker, photo_of: dict[str, Path]) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        status, complaints = run_into(full, empty_broker, [*photo_of.values()])
    finally:
        os.close(full)
    assert status == 1
    assert complaints.startswith("error: cannot write the answers: [Errno 28] ")
    assert complaints.count("\n") == 1


def test_no_broker_is_one_line(photo_of: dict[str, Path]) -> None:
    nobody = f"mqtt://127.0.0.1:{free_port()}"
    done = run([*COMMAND, photo_of["red"]], env=environment(nobody))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: cannot connect to ")
    assert done.stderr.count("\n") == 1


def test_a_broker_that_is_no_url_is_one_line(photo_of: dict[str, Path]) -> None:
    done = run([*COMMAND, photo_of["red"]], env=environment("http://pi-1"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: broker address 'http://pi-1' must begin with mqtt:// or mqtts://\n"
    )
