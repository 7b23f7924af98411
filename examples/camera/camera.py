"""A camera that asks the cluster what it sees.

    python examples/camera/camera.py                          # the first camera, once a second
    python examples/camera/camera.py --source picamera2       # a Raspberry Pi's own camera
    python examples/camera/camera.py --source clip.avi --interval 0.5
    python examples/camera/camera.py --source rtsp://192.168.1.20/stream

One frame at a time is under way: where the cluster is slow, frames are passed over and none waits.
OpenCV reads cameras, video files and streams, and shrinks what it sends. Prints one line of JSON
for each frame. Ctrl-C ends it.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import cv2

from fluid import FluidClient, FluidError

Frame = Any  # what OpenCV calls a frame: uint8 (height, width, 3), blue first
_LONGEST_SIDE_PX = 320  # far more than a network takes, and far less than a camera gives


class SourceError(Exception):
    """The camera or the file gives no pictures. One sentence, with what to do."""


def frames(source: str, *, interval_s: float) -> Iterator[tuple[float, Frame]]:
    """Frames of a source, with their time in seconds since its first one."""
    if source == "picamera2":
        return _of_picamera2(interval_s=interval_s)
    is_file = not source.isdigit() and "://" not in source
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not capture.isOpened():
        raise SourceError(f"cannot open {source}: give a camera's number, a file or a stream's URL")
    if is_file:
        return _of_file(capture, interval_s=interval_s)
    return _of_camera(capture, interval_s=interval_s)


def _of_file(capture: cv2.VideoCapture, *, interval_s: float) -> Iterator[tuple[float, Frame]]:
    """Every so many frames of a video, as fast as they are wanted."""
    frames_per_s = capture.get(cv2.CAP_PROP_FPS) or 25.0
    step = max(1, round(interval_s * frames_per_s))
    number = 0
    while capture.grab():
        if number % step == 0:
            is_there, frame = capture.retrieve()
            if is_there:
                yield number / frames_per_s, frame
        number += 1
    capture.release()


def _of_camera(capture: cv2.VideoCapture, *, interval_s: float) -> Iterator[tuple[float, Frame]]:
    """The frame of the moment, each `interval_s`. What the driver has kept meanwhile is old."""
    start_s = next_s = time.monotonic()
    while capture.grab():
        now_s = time.monotonic()
        if now_s < next_s:
            continue
        is_there, frame = capture.retrieve()
        if is_there:
            yield now_s - start_s, frame
            next_s = max(next_s + interval_s, time.monotonic())
    raise SourceError("the camera gives no more pictures: is it still connected?")


def _of_picamera2(*, interval_s: float) -> Iterator[tuple[float, Frame]]:
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise SourceError("--source picamera2 needs 'apt install python3-picamera2'") from error
    with Picamera2() as camera:
        # What picamera2 calls RGB888 has blue first in memory, as OpenCV wants it.
        form = {"format": "RGB888", "size": (640, 480)}
        camera.configure(camera.create_video_configuration(main=form))
        camera.start()
        start_s = time.monotonic()
        while True:
            begun_s = time.monotonic()
            yield begun_s - start_s, camera.capture_array()
            time.sleep(max(0.0, begun_s + interval_s - time.monotonic()))


def as_jpeg(frame: Frame) -> bytes:
    """A frame as it is sent: no larger than it need be."""
    height, width = frame.shape[:2]
    scale = _LONGEST_SIDE_PX / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    is_done, encoded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not is_done:
        raise SourceError("OpenCV cannot write JPEG")
    return bytes(encoded)


def watch(client: FluidClient, source: str, *, interval_s: float) -> None:
    """Print what each frame shows, until the source ends."""
    for time_s, frame in frames(source, interval_s=interval_s):
        seen: dict[str, Any] = {"time_s": round(time_s, 3)}
        try:
            # An answer that comes late is of no use: the next frame is newer.
            result = client.infer(as_jpeg(frame), timeout_s=max(2.0, 2 * interval_s))
        except FluidError as error:
            seen["error"] = str(error)
        else:
            seen |= {
                "class": result.class_name,
                "confidence": result.confidence,
                "subnetwork": result.subnetwork,
            }
        print(json.dumps(seen), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="A camera that asks the cluster what it sees.")
    parser.add_argument("--source", default="0", help="number, file, URL or picamera2 [0]")
    parser.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="[1]")
    parser.add_argument("--broker", default=os.environ.get("FLUID_BROKER"), metavar="URL")
    arguments = parser.parse_args()
    try:
        with FluidClient(arguments.broker) as client:
            watch(client, arguments.source, interval_s=arguments.interval)
    except (FluidError, SourceError, ValueError) as error:  # ValueError: no such URL of a broker
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
