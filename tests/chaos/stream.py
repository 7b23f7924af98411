"""A stream of requests at a rate of its own, whatever becomes of the answers (an open loop).

Owns the schedule and the records. Requests are sent at fixed moments: a cluster that hangs is
sent as many as one that does not, and each latency counts from the moment that was due.
"""

import functools
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from fluid import FluidClient
from fluid.client import Answer
from fluid.messages import Result
from tests.processes import wait_until

# Longer than any fault lasts: what is not answered by then is lost.
REQUEST_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Record:
    """One request. due_s, submitted_s, answered_s: of the monotonic clock.

    problem: why there is no right answer, "" if there is one. deliveries: how often the library
    handed out an answer.
    """

    index: int
    due_s: float
    submitted_s: float
    answered_s: float | None = None
    deliveries: int = 0
    attempts: int = 0
    mode: str = ""
    subnetwork: str = ""
    devices: tuple[str, ...] = ()
    degraded: bool = False
    bundle: str = ""
    is_wrong: bool = False
    is_lost: bool = False
    problem: str = ""

    @property
    def latency_s(self) -> float:
        """From the moment that it was due to its answer; only for answered ones."""
        if self.answered_s is None:
            raise ValueError(f"request {self.index} has no answer")
        return self.answered_s - self.due_s

    def was_in_flight(self, moment_s: float) -> bool:
        """Whether it had been sent and not answered at that moment."""
        return self.submitted_s < moment_s and (
            self.answered_s is None or self.answered_s > moment_s
        )


class Judge(Protocol):
    """Has the images that are sent, and knows the answers. They repeat beyond their end."""

    images: NDArray[np.uint8]

    def problem(self, result: Result, index: int) -> str:
        """What is wrong with a result for the image of that index; "" if nothing is."""


class Stream:
    """Use it in `with`. It pauses until `set_rate` says how fast."""

    def __init__(self, client: FluidClient, judge: Judge, *, logits: bool = False) -> None:
        """logits: ask for them, for a judge that compares them."""
        self._client = client
        self._judge = judge
        self._wants_logits = logits
        # Raw pixels: what it costs the client to encode is not what is measured.
        self._payloads = [image.tobytes() for image in judge.images]
        self._wake = threading.Condition()
        self._period_s: float | None = None
        self._restarted = False
        self._ended = False
        self._sent = 0
        self.records: list[Record] = []
        self._pool = ThreadPoolExecutor(1, "stream")
        self._running: Future[None] = Future()

    def __enter__(self) -> Self:
        self._running = self._pool.submit(self._run)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with self._wake:
            self._ended = True
            self._wake.notify()
        self._pool.shutdown()

    def set_rate(self, requests_per_s: float | None) -> None:
        """Go on at this rate from now on; None pauses."""
        with self._wake:
            self._period_s = None if requests_per_s is None else 1.0 / requests_per_s
            self._restarted = True
            self._wake.notify()

    def mark(self) -> int:
        """How many have been sent: a place in `records`. Raises what has ended the stream."""
        self._check()
        return len(self.records)

    def wait_until_answered(self, end: int, *, begin: int = 0) -> None:
        """Wait until the records from `begin` to `end` have ended, one way or the other."""

        def all_ended() -> bool:
            self._check()
            return all(record.deliveries for record in self.records[begin:end])

        wait_until(all_ended, timeout_s=2 * REQUEST_TIMEOUT_S, what="requests have not ended")

    def _check(self) -> None:
        if self._running.done():
            self._running.result()

    def _run(self) -> None:
        due_s = 0.0
        while True:
            with self._wake:
                if self._restarted:
                    self._restarted = False
                    due_s = time.monotonic()
                if self._ended:
                    return
                if self._period_s is None:
                    self._wake.wait()
                    continue
                if (wait_s := due_s - time.monotonic()) > 0:
                    self._wake.wait(wait_s)
                    continue
                period_s = self._period_s
            self._send(due_s)
            due_s += period_s

    def _send(self, due_s: float) -> None:
        index = self._sent
        self._sent += 1
        record = Record(index, due_s, time.monotonic())
        self.records.append(record)
        payload = self._payloads[index % len(self._payloads)]
        future = self._client.submit(
            payload, logits=self._wants_logits, timeout_s=REQUEST_TIMEOUT_S
        )
        future.add_done_callback(functools.partial(self._take, record))

    def _take(self, record: Record, future: "Future[Answer]") -> None:
        """Note an answer, in the client's thread."""
        answer = future.result()
        record.attempts = answer.attempts
        if answer.error is not None:
            record.problem = f"{type(answer.error).__name__}: {answer.error}"
            record.is_lost = True
        elif len(answer.replies) == 1 and isinstance(answer.replies[0], Result):
            self._note(record, answer.replies[0])
        else:
            record.problem = f"refused: {answer.replies}"
        record.answered_s = time.monotonic()
        record.deliveries += 1

    def _note(self, record: Record, result: Result) -> None:
        record.mode = result.mode.value
        record.subnetwork = result.subnetwork
        record.devices = result.devices
        record.degraded = result.degraded
        record.bundle = result.bundle
        record.problem = self._judge.problem(result, record.index)
        record.is_wrong = bool(record.problem)
