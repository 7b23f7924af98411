import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.examples.photos import CLASSES
from tests.examples.running import EXAMPLES, environment, need_library, run
from tests.integration.harness.cluster import Cluster

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]
COMMAND = (sys.executable, EXAMPLES / "camera" / "camera.py")
FRAMES_PER_S = 10
SIDE_PX = 480  # more than the example sends


@pytest.fixture(scope="session", autouse=True)  # before a cluster is started for nothing
def _library() -> None:
    need_library("cv2", "opencv-python-headless")


@pytest.fixture
def clip(photo_of: dict[str, Path], tmp_path: Path) -> Path:
    """A video that shows each photo for a second."""
    import cv2  # noqa: PLC0415 -- optional
    import numpy as np  # noqa: PLC0415 -- as above

    file = tmp_path / "clip.avi"
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(file), code, FRAMES_PER_S, (SIDE_PX, SIDE_PX))
    for photo in photo_of.values():
        with Image.open(photo) as image:
            pixels = np.asarray(image.convert("RGB").resize((SIDE_PX, SIDE_PX)))
        for _ in range(FRAMES_PER_S):
            writer.write(np.ascontiguousarray(pixels[..., ::-1]))  # OpenCV has blue first
    writer.release()
    return file


def test_each_scene_of_a_video_is_seen(cluster: Cluster, clip: Path) -> None:
    command = [*COMMAND, "--source", clip, "--interval", "0.5"]
    done = run(command, env=environment(cluster.broker.url))
    assert (done.returncode, done.stderr) == (0, "")
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["time_s"], each["class"], each["subnetwork"]) for each in seen] == [
        (second / 2, CLASSES[second // 2], "100") for second in range(2 * len(CLASSES))
    ]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("gone.avi", "cannot open gone.avi: give a camera's number, a file or a stream's URL"),
        ("picamera2", "--source picamera2 needs 'apt install python3-picamera2'"),
    ],
)
def test_a_source_without_pictures_is_an_error(
    cluster: Cluster, source: str, complaint: str
) -> None:
    done = run([*COMMAND, "--source", source], env=environment(cluster.broker.url))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"error: {complaint}"
