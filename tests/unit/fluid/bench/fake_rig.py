"""A cluster that answers as a table says, at once, and records what was asked of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fluid.bench.cpu_share import PinnedCores
from fluid.bench.device_python import DevicePython
from fluid.bench.observations import Observations
from fluid.bench.settings import Bench, Materials, Settings
from fluid.messages.control import Mode

# Images a second, by family, mode and who is online; 0 fails.
Rates = Callable[[str, Mode, tuple[str, ...]], float]


class FakeRig:
    """What the parts use of a `Rig`."""

    share = 0.2

    def __init__(self, family: str, rates: Rates, asked: list[str]) -> None:
        self._family = family
        self._rates = rates
        self._asked = asked
        self._rate = 0.0

    def assemble(self, mode: Mode, *agents: str) -> None:
        self._asked.append(f"{self._family} {mode} {'+'.join(agents)}")
        self._rate = self._rates(self._family, mode, agents)

    def saturate(self, *, batch: int = 1, **_options: Any) -> Observations:
        self._asked.append("accuracy" if batch > 1 else "saturate")
        return observations(self._rate)

    def at_rate(self, rate_per_s: float, **_options: Any) -> Observations:
        self._asked.append(f"at {rate_per_s:g}/s")
        return observations(rate_per_s)


def observations(rate_per_s: float) -> Observations:
    """One second of that; with rate 0, an error."""
    count = max(1, int(rate_per_s))
    sent_s = np.arange(count) / count
    return Observations(
        batch=1,
        sent_s=sent_s,
        answered_s=sent_s + 0.0001,
        right=np.ones(count, dtype=np.int64),
        mode=np.array(["ha"] * count, dtype=np.str_),
        problem=np.array(["" if rate_per_s else "nothing_runnable"] * count, dtype=np.str_),
        begin_s=0.0,
        end_s=1.0,
        cores={"master": 0.2, "broker": 0.1, "generator": 0.05},
        broker_bytes=1000 * count,
    )


def opener(rates: Rates, asked: list[str]) -> Callable[..., Any]:
    """In the place of `open_rig`; the bundle's folder is named for its family."""

    @contextmanager
    def open_rig(_bench: Bench, bundle: Path, **_options: Any) -> Iterator[FakeRig]:
        yield FakeRig(bundle.name, rates, asked)

    return open_rig


def fake_bench(*families: str) -> Bench:
    """For parts that are given `opener`."""
    return Bench(
        settings=Settings(),
        device_python=DevicePython(Path("python")),
        cpu=PinnedCores("a test"),
        materials=Materials(
            dataset="digits",
            families={family: Path(family) for family in families},
            images=Path("images.npz"),
            image_count=100,
        ),
        scratch=Path("scratch"),
        say=lambda _line: None,
    )
