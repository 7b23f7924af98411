"""What a stream of requests and answers amounts to. Pure but for reading and writing its file."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fluid.bench.statistics import percentile

_MANY = 100
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """A stream, message by message, all arrays (n,). Times are of the monotonic clock.

    sent_s: when each was due. answered_s: when its answer came; NaN for none. right: how many of
    its images were classified correctly. mode: `ha`, `ht` or "". problem: the code of an error
    reply, or "". begin_s, end_s: what was measured of the stream. cores: of one core, what each
    process that was watched used in that time. broker_bytes: what the broker read and wrote in
    it; None where that is not known.
    """

    batch: int
    sent_s: Floats
    answered_s: Floats
    right: NDArray[np.int64]
    mode: NDArray[np.str_]
    problem: NDArray[np.str_]
    begin_s: float
    end_s: float
    cores: Mapping[str, float] = field(default_factory=dict)
    broker_bytes: int | None = None

    @property
    def span_s(self) -> float:
        return self.end_s - self.begin_s

    @property
    def lost(self) -> int:
        """Messages without any answer."""
        return int(np.isnan(self.answered_s).sum())

    @property
    def errors(self) -> Mapping[str, int]:
        """How many messages got which error."""
        return Counter(str(each) for each in self.problem if each)

    @property
    def images_per_s(self) -> float:
        """Images with a result in the time that was measured, by when it came.

        Where messages are few, that time would count the parts of one at its ends as all or
        nothing: then from the first answer to the last.
        """
        times = np.sort(self.answered_s[self._measured(self.answered_s)])
        if self.span_s <= 0:  # given up before anything was measured
            return 0.0
        if len(times) < _MANY and len(set(times)) > 1:
            return float(self.batch * (len(times) - 1) / (times[-1] - times[0]))
        return self.batch * len(times) / self.span_s

    @property
    def accuracy(self) -> float | None:
        """Of all images with a result, the share that was classified correctly."""
        answered = int(self._good.sum())
        return float(self.right[self._good].sum()) / (self.batch * answered) if answered else None

    @property
    def bytes_per_image(self) -> float | None:
        images = self.batch * int(self._measured(self.answered_s).sum())
        return None if self.broker_bytes is None or not images else self.broker_bytes / images

    def latency_ms(self, percent: float) -> float | None:
        """Of what was due in the time that was measured and has a result."""
        chosen = self._measured(self.sent_s)
        return percentile(1000 * (self.answered_s - self.sent_s)[chosen], percent)

    @property
    def slowest_s(self) -> float | None:
        """The longest that an answer took."""
        return percentile((self.answered_s - self.sent_s)[self._good], 100)

    def gap_s(self, moment_s: float) -> float:
        """The longest time without a result that ends after `moment_s`."""
        times = np.sort(self.answered_s[self._good])
        gaps = np.diff(times, prepend=self.begin_s)[times > moment_s]
        return float(gaps.max()) if len(gaps) else self.end_s - moment_s

    def answered_between(self, begin_s: float, end_s: float) -> int:
        """Images with a result that came between two times since the beginning."""
        times = self.answered_s[self._good] - self.begin_s
        return self.batch * int(((times >= begin_s) & (times < end_s)).sum())

    def first_answer_s(self) -> float | None:
        """When the first result came."""
        times = self.answered_s[self._good]
        return float(times.min()) if len(times) else None

    def windows(self, width_s: float) -> Iterator[tuple[float, "Observations"]]:
        """The messages due in each `width_s` of the stream, and where that begins."""
        for number in range(int(np.ceil(round(self.span_s / width_s, 6)))):
            begin_s = self.begin_s + number * width_s
            chosen = (self.sent_s >= begin_s) & (self.sent_s < begin_s + width_s)
            yield (
                number * width_s,
                Observations(
                    self.batch,
                    self.sent_s[chosen],
                    self.answered_s[chosen],
                    self.right[chosen],
                    self.mode[chosen],
                    self.problem[chosen],
                    begin_s,
                    begin_s + width_s,
                ),
            )

    @property
    def _good(self) -> NDArray[np.bool_]:
        good: NDArray[np.bool_] = ~np.isnan(self.answered_s) & (self.problem == "")
        return good

    def _measured(self, times: Floats) -> NDArray[np.bool_]:
        return self._good & (times >= self.begin_s) & (times < self.end_s)

    def write(self, file: Path) -> None:
        np.savez(
            file,
            batch=self.batch,
            sent_s=self.sent_s,
            answered_s=self.answered_s,
            right=self.right,
            mode=self.mode,
            problem=self.problem,
            begin_s=self.begin_s,
            end_s=self.end_s,
            watched=np.array(list(self.cores), dtype=np.str_),
            cores=np.array(list(self.cores.values()), dtype=np.float64),
            broker_bytes=-1 if self.broker_bytes is None else self.broker_bytes,
        )

    @classmethod
    def read(cls, file: Path) -> "Observations":
        with np.load(file) as arrays:
            broker_bytes = int(arrays["broker_bytes"])
            return cls(
                batch=int(arrays["batch"]),
                sent_s=arrays["sent_s"],
                answered_s=arrays["answered_s"],
                right=arrays["right"],
                mode=arrays["mode"],
                problem=arrays["problem"],
                begin_s=float(arrays["begin_s"]),
                end_s=float(arrays["end_s"]),
                cores=dict(
                    zip(map(str, arrays["watched"]), map(float, arrays["cores"]), strict=True)
                ),
                broker_bytes=None if broker_bytes < 0 else broker_bytes,
            )
