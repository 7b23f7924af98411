"""`python -m fluid.bench.generator PLAN`: sends images and records the answers.

A process of its own, so that it neither waits for what measures nor takes from the devices' share
of the processor. It keeps answers as they come and reads them when the stream is over: what it
costs an image is what the packets cost. Prints `begins` and the monotonic time of its first
request, and nothing more.
"""

import math
import select
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fluid.bench import mqtt_packets as mqtt
from fluid.bench.observations import Observations
from fluid.bench.stream_plan import StreamPlan
from fluid.bench.usage import cpu_s, io_bytes
from fluid.bus.mqtt.message_packets import PacketError, acknowledgement
from fluid.client.connecting import new_client_id
from fluid.codec import encode_image
from fluid.messages.control import Malformed
from fluid.messages.properties import UNIQUE_PROPERTY
from fluid.messages.replies import Result, decode_replies
from fluid.topics import Topics

BROKER = "broker"
OURSELVES = "generator"
_RECEIVE_BYTES = 256 * 1024
_CONNECT_TIMEOUT_S = 10.0
_LONGEST_WAIT_S = 0.02  # so that what is measured begins and ends when it should


class Images:
    """The images of a data set as payloads, `batch` in each, over and over."""

    def __init__(self, file: Path, *, batch: int) -> None:
        with np.load(file) as arrays:
            images, labels = arrays["images"], arrays["labels"]
        if len(images) < batch:
            raise SystemExit(f"{batch} images are wanted in a message, and there are {len(images)}")
        self._messages = len(images) // batch
        self._labels: NDArray[np.int64] = labels[: self._messages * batch].reshape(-1, batch)
        groups = images[: self._messages * batch].reshape(-1, batch, *images.shape[1:])
        self._payloads = [encode_image(each if batch > 1 else each[0]) for each in groups]

    def payload(self, message: int) -> bytes:
        return self._payloads[message % self._messages]

    def right(self, message: int, labels: list[int]) -> int:
        """How many of a message's images were classified correctly."""
        return int((self._labels[message % self._messages] == labels).sum())


@dataclass(frozen=True, slots=True)
class Meter:
    """What processes had used at one moment."""

    at_s: float
    cpu_s: Mapping[str, float]
    broker_bytes: int | None

    @classmethod
    def read(cls, watch: Mapping[str, int]) -> "Meter":
        used = {name: cpu_s(pid) for name, pid in watch.items()}
        broker = watch.get(BROKER)
        return cls(
            at_s=time.monotonic(),
            cpu_s={OURSELVES: time.process_time()}
            | {name: each for name, each in used.items() if each is not None},
            broker_bytes=None if broker is None else io_bytes(broker),
        )

    def cores_until(self, later: "Meter") -> dict[str, float]:
        """Of what has lived all the time between."""
        span_s = later.at_s - self.at_s
        return {
            name: (used - self.cpu_s[name]) / span_s
            for name, used in later.cpu_s.items()
            if name in self.cpu_s
        }

    def bytes_until(self, later: "Meter") -> int | None:
        if self.broker_bytes is None or later.broker_bytes is None:
            return None
        return later.broker_bytes - self.broker_bytes


class Stream:
    """One connection, and the messages that are sent and answered on it."""

    def __init__(self, plan: StreamPlan, images: Images) -> None:
        self._plan = plan
        self._images = images
        self._socket = _connected(plan)
        self._reader = mqtt.PacketReader()
        client_id = new_client_id()
        topics = Topics(plan.base_topic)
        reply_topic = topics.result(client_id)
        self._publisher = mqtt.Publisher(
            topics.infer, response_topic=reply_topic, user_properties=(UNIQUE_PROPERTY,)
        )
        self._prefix = client_id.encode() + b"-"
        self._outgoing = mqtt.connect(client_id) + mqtt.subscribe(reply_topic)
        self._ready = 0
        self._sent_s: list[float] = []
        self._answered_s: list[float] = []
        self._payloads: list[bytes] = []
        self._under_way = 0
        self._last_answer_s = 0.0

    def run(self) -> Observations:
        """Connect, send, wait for the last answers, and say what came of it."""
        while self._ready < 2:
            self._exchange(_CONNECT_TIMEOUT_S)
        plan, pacing = self._plan, self._plan.pacing()
        start_s = self._last_answer_s = time.monotonic()
        print("begins", start_s, flush=True)  # noqa: T201 - for the program that has started us
        begin = None if plan.warm_up_s else Meter.read(plan.watch)
        end = None
        while True:
            now_s = time.monotonic() - start_s
            if begin is None and now_s >= plan.warm_up_s:
                begin = Meter.read(plan.watch)
            over = pacing.is_over(now_s)
            if end is None and now_s >= plan.span_s and begin is not None:
                end = Meter.read(plan.watch)
            if self._is_done(over=over, open_loop=bool(plan.steps)):
                break
            if not over:
                due = pacing.due(now_s, under_way=self._under_way)
                self._send([start_s + each for each in due])
            wait_s = min(_LONGEST_WAIT_S, max(0.0, pacing.next_due_s() - now_s))
            self._exchange(wait_s)
        end = end or Meter.read(plan.watch)  # a count of messages ends when it ends
        self._socket.sendall(self._outgoing + mqtt.disconnect())
        self._socket.close()
        return self._observations(begin or end, end)

    def _is_done(self, *, over: bool, open_loop: bool) -> bool:
        """Also when nothing is answered for as long as patience lasts."""
        if over and not self._under_way:
            return True
        silent = time.monotonic() - self._last_answer_s > self._plan.patience_s
        return silent and self._under_way > 0 and (over or not open_loop)

    def _send(self, due_s: list[float]) -> None:
        packets = [self._outgoing]
        for each in due_s:
            number = len(self._sent_s)
            payload = self._images.payload(self._plan.offset + number)
            packets.append(self._publisher.packet(self._prefix + b"%d" % number, payload))
            self._sent_s.append(each)
            self._answered_s.append(math.nan)
            self._payloads.append(b"")
        self._under_way += len(due_s)
        self._outgoing = b"".join(packets)

    def _exchange(self, wait_s: float) -> None:
        """Write what waits, read what has come; wait for either for so long at most."""
        writers = [self._socket] if self._outgoing else []
        readable, writable, _ = select.select([self._socket], writers, [], wait_s)
        if writable:
            sent = self._socket.send(self._outgoing)
            self._outgoing = self._outgoing[sent:]
        if readable:
            data = self._socket.recv(_RECEIVE_BYTES)
            if not data:
                raise PacketError("the broker has closed the connection")
            self._take(data, time.monotonic())

    def _take(self, data: bytes, now_s: float) -> None:
        acknowledgements = []
        for packet in self._reader.feed(data):
            match packet:
                case mqtt.Answered(correlation, payload, identifier):
                    self._answer(int(correlation.removeprefix(self._prefix)), payload, now_s)
                    if identifier:
                        acknowledgements.append(acknowledgement(identifier))
                case mqtt.Ready():
                    self._ready += 1
        self._outgoing += b"".join(acknowledgements)

    def _answer(self, number: int, payload: bytes, now_s: float) -> None:
        """The first answer counts."""
        if not self._payloads[number]:
            self._payloads[number] = payload
            self._answered_s[number] = now_s
            self._last_answer_s = now_s
            self._under_way -= 1

    def _observations(self, begin: Meter, end: Meter) -> Observations:
        read = [self._read(number, payload) for number, payload in enumerate(self._payloads)]
        return Observations(
            batch=self._plan.batch,
            sent_s=np.array(self._sent_s, dtype=np.float64),
            answered_s=np.array(self._answered_s, dtype=np.float64),
            right=np.array([right for right, _, _ in read], dtype=np.int64),
            mode=np.array([mode for _, mode, _ in read], dtype=np.str_),
            problem=np.array([problem for _, _, problem in read], dtype=np.str_),
            begin_s=begin.at_s,
            end_s=end.at_s,
            cores=begin.cores_until(end) if end.at_s > begin.at_s else {},
            broker_bytes=begin.bytes_until(end),
        )

    def _read(self, number: int, payload: bytes) -> tuple[int, str, str]:
        """How many images are right, the mode, and the code of an error."""
        if not payload:
            return 0, "", ""
        replies = decode_replies(payload)
        if isinstance(replies, Malformed) or len(replies) not in (1, self._plan.batch):
            return 0, "", "unreadable"
        results = [each for each in replies if isinstance(each, Result)]
        for each in replies:
            if not isinstance(each, Result):
                return 0, "", each.code
        right = self._images.right(self._plan.offset + number, [each.label for each in results])
        return right, results[0].mode.value, ""


def _connected(plan: StreamPlan) -> socket.socket:
    connection = socket.create_connection((plan.host, plan.port), timeout=_CONNECT_TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(0)
    return connection


def main(plan_file: str) -> None:
    """Run one stream. Raises `PacketError` and `OSError`, which end the process."""
    plan = StreamPlan.read(Path(plan_file))
    stream = Stream(plan, Images(Path(plan.images), batch=plan.batch))
    stream.run().write(Path(plan.output))


if __name__ == "__main__":
    main(*sys.argv[1:])
