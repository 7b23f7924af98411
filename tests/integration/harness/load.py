"""A stream of requests that goes on while things happen to the cluster."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fluid import FluidClient
from fluid.client import Answer
from fluid.messages import Result
from tests.integration.harness.agents import TIMEOUT_S
from tests.integration.harness.oracle import Oracle, Oracles
from tests.processes import wait_until

WINDOW = 64
# Longer than any fault of a test lasts, so that whatever is not answered is lost.
REQUEST_TIMEOUT_S = 100.0


class Load:
    """Asks for the oracle's images over and over, in a thread of its own, until `finish`.

    Use it in `with`; a test that fails inside must not leave the thread behind.
    """

    def __init__(self, client: FluidClient, oracle: Oracle | Oracles) -> None:
        self._client = client
        self._oracle = oracle
        self._enough = threading.Event()
        self._sent = 0
        self._answers: list[Answer] = []
        self._answered_at: list[float] = []
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for_more(5 * WINDOW)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if exception_type is not None:
            self._enough.set()
            self._client.close()  # ends what is under way
            self._thread.join(TIMEOUT_S)
        else:
            self.finish()

    def mark(self) -> int:
        """A place in `results` behind all that is under way now."""
        return len(self._answers) + WINDOW

    @property
    def answered(self) -> int:
        """How many are answered."""
        return len(self._answers)

    def longest_gap_s(self, since: int) -> float:
        """The longest time without an answer, from the answer of that number on."""
        moments = self._answered_at[since:]
        return max(after - before for before, after in itertools.pairwise(moments))

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more are answered."""
        enough = len(self._answers) + count
        self._wait_until(lambda: len(self._answers) >= enough, f"{count} images are not answered")

    def wait_for_answer_by(self, devices: tuple[str, ...]) -> None:
        """Wait for an answer of exactly these devices to what is asked from now on."""
        mark = self.mark()

        def answered() -> bool:
            return any(result.devices == devices for result in self.results_since(mark))

        self._wait_until(answered, f"nothing is answered by {devices}")

    def results_since(self, mark: int) -> list[Result]:
        """The results from a place on. Fails if one of them is an error."""
        return [answer.result() for answer in self._answers[mark:]]

    def finish(self) -> list[Result]:
        """Send no more and wait for the rest; the results of all images, in their order.

        Fails unless each image was answered, once, with what the bundle's files say about it.
        """
        self._enough.set()
        self._thread.join(REQUEST_TIMEOUT_S + TIMEOUT_S)
        assert not self._thread.is_alive(), "the stream does not end"
        assert len(self._answers) == self._sent
        assert len({answer.id for answer in self._answers}) == self._sent
        results = self.results_since(0)
        for index, result in enumerate(results):
            self._oracle.check(result, index)
        return results

    def _run(self) -> None:
        stream = self._client.infer_many(self._images(), window=WINDOW, timeout_s=REQUEST_TIMEOUT_S)
        for answer in stream:
            self._answered_at.append(time.monotonic())
            self._answers.append(answer)

    def _images(self) -> Iterator[NDArray[np.uint8]]:
        for index in itertools.count():
            if self._enough.is_set():
                return
            self._sent += 1
            yield self._oracle.image(index)

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, timeout_s=REQUEST_TIMEOUT_S, what=what)
