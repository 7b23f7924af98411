"""A running cluster: a private broker, two agents, and one client, driven as a user drives them.

Owns getting the cluster into a known state and measuring a stream of images through it. What is
to happen, and whether it was good, is said elsewhere (`story`, `verdict`).
"""

import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fluid.bus.mqtt import BrokerAddress, MqttBus
from fluid.client import Answer, FluidClient, cluster_snapshot, set_mode
from fluid.demo.errors import NotServing
from fluid.demo.measurement import Observation, PhaseSummary, Team, summarise
from fluid.messages.control import Mode, Role
from fluid.messages.replies import ErrorReply, Result
from fluid.supervisor import Supervisor
from fluid.topics import Topics

AGENTS = {"master": Role.MASTER, "worker": Role.WORKER}
_READY_TIMEOUT_S = 45.0
_WINDOW = 64
_REHEARSAL_IMAGES = 2 * _WINDOW
# Second answers may follow the first by a moment; they belong to the phase that caused them.
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """images: uint8 (n, height, width, channels). labels: integers (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    @classmethod
    def read(cls, file: Path) -> "LabelledImages":
        """Read what `fluid dataset` wrote."""
        with np.load(file) as arrays:
            return cls(arrays["images"], arrays["labels"])

    def __len__(self) -> int:
        return len(self.images)


class Stage:
    """The cluster, its broker's URL, and the images that are sent to it."""

    def __init__(
        self, supervisor: Supervisor, client: FluidClient, *, url: str, bundle: Path, slots: int
    ) -> None:
        """See `open_stage`."""
        self._supervisor = supervisor
        self._client = client
        self._url = url
        self._bundle = bundle
        self._max_slots = slots_each(slots)
        self._bus = MqttBus(BrokerAddress.parse(url))
        self._topics = Topics()

    def assemble(self, mode: Mode, images: LabelledImages) -> None:
        """Start the agents that do not run, and wait until all of them serve in `mode`.

        Raises `NotServing` if that takes too long, `ProcessEnded` if one of them ends.
        """
        for agent, role in AGENTS.items():
            if not self._supervisor.is_running(agent):
                self._supervisor.start(agent, self._agent_command(agent, role))
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        while not self._is_ready(mode, images):
            self._supervisor.check()
            if time.monotonic() > deadline_s:
                raise NotServing(
                    f"{' and '.join(AGENTS)} did not serve in {mode} within {_READY_TIMEOUT_S:g} s"
                )

    def kill(self, agent: str) -> None:
        """End an agent with SIGKILL."""
        self._supervisor.kill(agent)

    def measure(
        self,
        phase: str,
        images: LabelledImages,
        *,
        count: int,
        at_half: Callable[[], None] | None = None,
    ) -> PhaseSummary:
        """Send `count` images (the given ones, over and over) and summarise their answers.

        at_half: called once half of them have been answered, with the stream going on.
        """
        duplicates_before = self._client.statistics.duplicates
        observations: list[Observation] = []
        begin_s = time.monotonic()
        for label, answer in self._answers(images, count):
            observations.append(_observe(label, answer))
            if at_half is not None and len(observations) == count // 2:
                at_half()
        elapsed_s = time.monotonic() - begin_s
        time.sleep(_SETTLE_S)
        self._supervisor.check()
        return summarise(
            phase,
            observations,
            elapsed_s=elapsed_s,
            duplicates=self._client.statistics.duplicates - duplicates_before,
        )

    def _answers(self, images: LabelledImages, count: int) -> Iterator[tuple[int, Answer]]:
        stream = itertools.islice(itertools.cycle(images.images), count)
        labels = itertools.cycle(images.labels)
        for answer, label in zip(
            self._client.infer_many(stream, window=_WINDOW), labels, strict=False
        ):
            yield int(label), answer

    def _is_ready(self, mode: Mode, images: LabelledImages) -> bool:
        """Whether the cluster says that it is complete and in `mode`, and its answers show it."""
        snapshot = cluster_snapshot(self._bus, self._topics)
        state = snapshot.state
        if state is None or not snapshot.has_leader or set(state.members) != set(AGENTS):
            return False
        if state.mode is not mode or state.operator_mode is not mode:
            set_mode(self._bus, self._topics, mode)
            return False
        results = [
            observation.result
            for observation in itertools.starmap(_observe, self._answers(images, _REHEARSAL_IMAGES))
        ]
        return _shows(mode, results)

    def _agent_command(self, agent: str, role: Role) -> list[str]:
        options = ["--role", role, "--id", agent, "--broker", self._url]
        options += ["--bundle", str(self._bundle), "--max-slots", str(self._max_slots)]
        return [sys.executable, "-m", "edge_agent", *options]


def slots_each(slots: int) -> int:
    """How many slots each agent must have room for, so that together they hold all of them."""
    return math.ceil(slots / len(AGENTS))


@contextmanager
def open_stage(supervisor: Supervisor, *, bundle: Path, slots: int) -> Iterator[Stage]:
    """Start a broker and connect a client; the agents start with `Stage.assemble`.

    slots: how many the bundle has.
    """
    broker = [sys.executable, "-m", "broker", "--port", "0"]
    url = supervisor.start_and_read_line("broker", broker)
    with FluidClient(url) as client:
        yield Stage(supervisor, client, url=url, bundle=bundle, slots=slots)


def _observe(label: int, answer: Answer) -> Observation:
    if answer.error is not None:
        return Observation(label, answer.latency_ms, problem=type(answer.error).__name__)
    (reply,) = answer.replies
    if isinstance(reply, ErrorReply):
        return Observation(label, answer.latency_ms, problem=reply.code)
    return Observation(label, answer.latency_ms, result=reply)


def _shows(mode: Mode, results: Sequence[Result | None]) -> bool:
    """Whether every result is of `mode`, and of all agents together (HA) or each alone (HT)."""
    everyone = frozenset(AGENTS)
    expected: set[Team] = {everyone} if mode is Mode.HA else {frozenset({a}) for a in everyone}
    seen = {(result.mode, frozenset(result.devices)) for result in results if result is not None}
    return None not in results and seen == {(mode, team) for team in expected}
