"""A running cluster to measure: a private broker, agents held to a share of a core, and streams.

Owns getting the cluster into a known state and sending a stream through it. What is measured, and
what it means, is said by the parts.
"""

import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fluid.bench.errors import NotServing
from fluid.bench.generator import BROKER
from fluid.bench.observations import Observations
from fluid.bench.settings import Bench
from fluid.bench.stream_plan import StreamPlan
from fluid.bench.usage import only_child
from fluid.bus.mqtt import BrokerAddress, MqttBus
from fluid.client import ClusterSnapshot, cluster_snapshot, set_mode
from fluid.messages.control import DEFAULT_IN_FLIGHT, Mode, Role
from fluid.supervisor import Supervisor
from fluid.topics import Topics

MASTER = "master"
WORKER = "worker"
_READY_TIMEOUT_S = 60.0
# How long a cluster may take to show that all serve, in the mode that was asked for.
_GRACE_S = 3.0
# Four times what an agent asks the broker for (`--in-flight`), so that each has all that it can
# take and more waits at the broker. More favours HT over Dynamic and less HA over Static, as far as
# noise lets anyone see: docs/performance.md has the runs.
WINDOW_EACH = 4 * DEFAULT_IN_FLIGHT
_numbers = itertools.count(1)


def names(count: int) -> tuple[str, ...]:
    """Of so many devices, the first of which is the master."""
    return (MASTER, WORKER, *(f"{WORKER}{number}" for number in range(2, count)))[:count]


class Rig:
    """See `open_rig`."""

    def __init__(
        self,
        bench: Bench,
        supervisor: Supervisor,
        *,
        bundle: Path,
        images: Path,
        url: str,
        share: float | None,
    ) -> None:
        self._bench = bench
        self._supervisor = supervisor
        self._bundle = bundle
        self.images = images
        self._address = BrokerAddress.parse(url)
        self._url = url
        self._share = share
        self._bus = MqttBus(self._address)
        self.topics = Topics()
        self._online: dict[str, None] = {}
        self.broker_pid = only_child(supervisor.pid(BROKER))

    @property
    def bus(self) -> MqttBus:
        return self._bus

    @property
    def share(self) -> float | None:
        """Of a core, for each device; None if they are not held to it."""
        return self._share if self._bench.cpu.holds_shares else None

    @property
    def online(self) -> tuple[str, ...]:
        """The agents that run."""
        return tuple(self._online)

    def pid(self, agent: str) -> int:
        return self._supervisor.pid(agent)

    def start(self, *agents: str, max_slots: int = 1) -> None:
        """Start agents; they have the whole core until `assemble`, as nobody measures yet."""
        for agent in agents:
            role = Role.MASTER if agent == MASTER else Role.WORKER
            options = ["--role", role, "--id", agent, "--broker", self._url]
            options += ["--bundle", str(self._bundle), "--max-slots", str(max_slots)]
            command = self._bench.device_python.command("edge_agent", *options)
            self._supervisor.start(agent, command)
            self._online[agent] = None

    def stop(self, agent: str) -> None:
        """Let an agent leave in good order."""
        del self._online[agent]
        self._supervisor.stop(agent)

    def kill(self, agent: str) -> float:
        """End an agent with SIGKILL; when that was, on the monotonic clock."""
        del self._online[agent]
        moment_s = time.monotonic()
        self._supervisor.kill(agent)
        return moment_s

    def assemble(self, mode: Mode, *agents: str) -> None:
        """Make these agents the online ones, in `mode`, each held to its share.

        Raises `NotServing` if that takes too long, `ProcessEnded` if one of them ends.
        """
        for agent in self.online:
            if agent not in agents:
                self.stop(agent)
        self.start(*(agent for agent in agents if agent not in self._online))
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        formed_at_s = math.inf
        while True:
            snapshot = cluster_snapshot(self._bus, self.topics)
            if not _is_formed(snapshot, mode, agents):
                formed_at_s = math.inf
                set_mode(self._bus, self.topics, mode, timeout_s=2.0)
            elif _all_serve(snapshot, mode) or time.monotonic() > formed_at_s + _GRACE_S:
                break
            else:
                formed_at_s = min(formed_at_s, time.monotonic())
            self._supervisor.check()
            if time.monotonic() > deadline_s:
                who = " and ".join(agents)
                raise NotServing(f"{who} did not serve in {mode} within {_READY_TIMEOUT_S:g} s")
        if self._share is not None:
            for agent in agents:
                self._bench.cpu.hold(agent, self.pid(agent), share=self._share)

    @contextmanager
    def beside(self, name: str, module: str, arguments: Sequence[str]) -> Iterator[int]:
        """Start a program that says when it is ready, as a device: with its Python, held to its
        share. Yields the process id.

        Leaving waits until it has ended by itself; raises `ProcessEnded` if it fails.
        """
        command = self._bench.device_python.command(module, *arguments)
        self._supervisor.start_and_read_line(name, command)
        pid = self._supervisor.pid(name)
        if self._share is not None:
            self._bench.cpu.hold(name, pid, share=self._share)
        yield pid
        self._supervisor.wait(name)

    def saturate(self, *, batch: int = 1, **options: Any) -> Observations:
        """A stream of as many images as the online agents can answer."""
        settings = self._bench.settings
        # Several messages for each device, whatever they hold.
        window = max(4, WINDOW_EACH // batch) * max(1, len(self._online))
        given = {"warm_up_s": settings.warm_up_s, "measure_s": settings.measure_s, **options}
        return self.stream(window=window, batch=batch, **given)

    def at_rate(self, rate_per_s: float, **options: Any) -> Observations:
        """A stream at an even rate, for as long as one that saturates."""
        settings = self._bench.settings
        given = {"warm_up_s": settings.warm_up_s, **options}
        span_s = given["warm_up_s"] + settings.measure_s
        return self.stream(steps=((span_s, rate_per_s),), **given)

    def stream(
        self, *, meanwhile: Callable[[float], None] | None = None, **options: Any
    ) -> Observations:
        """Send a stream; `options` are those of `StreamPlan`.

        meanwhile: called with the monotonic time of the first request, while the stream runs.
        """
        name = f"generator-{next(_numbers)}"
        plan_file = self._bench.scratch / f"{name}.json"
        output = self._bench.scratch / f"{name}.npz"
        watch = {agent: self.pid(agent) for agent in self.online}
        if self.broker_pid is not None:
            watch[BROKER] = self.broker_pid
        given: dict[str, Any] = {
            "patience_s": self._bench.settings.patience_s,
            "images": str(self.images),
        }
        StreamPlan(
            host=self._address.host,
            port=self._address.port,
            output=str(output),
            watch=watch,
            **(given | options),
        ).write(plan_file)
        command = [sys.executable, "-m", "fluid.bench.generator", str(plan_file)]
        line = self._supervisor.start_and_read_line(name, command)
        if meanwhile is not None:
            meanwhile(float(line.split()[1]))
        self._supervisor.wait(name)
        self._supervisor.check()
        observations = Observations.read(output)
        output.unlink()
        plan_file.unlink()
        return observations


@contextmanager
def open_rig(
    bench: Bench, bundle: Path, *, images: Path | None = None, share: float | None = None
) -> Iterator[Rig]:
    """Start a broker; agents start with `Rig.assemble`.

    images: `bench`'s unless given. share: of a core for each device; None leaves them free.
    """
    with Supervisor(bench.scratch / f"logs-{next(_numbers)}") as supervisor:
        broker = [sys.executable, "-m", "broker", "--port", "0"]
        url = supervisor.start_and_read_line(BROKER, broker)
        yield Rig(
            bench,
            supervisor,
            bundle=bundle,
            images=images or bench.materials.images,
            url=url,
            share=share,
        )


def _is_formed(snapshot: ClusterSnapshot, mode: Mode, agents: Sequence[str]) -> bool:
    """Whether the leader has these members and has heard the operator, and all follow it."""
    state = snapshot.state
    if state is None or not snapshot.has_leader or set(state.members) != set(agents):
        return False
    if state.operator_mode is not mode:
        return False
    return all(each.serving in (state.mode, None) for each in snapshot.online)


def _all_serve(snapshot: ClusterSnapshot, mode: Mode) -> bool:
    """Not so for ever where a network is cut: who can run nothing alone serves nothing in HT, and
    where nobody can, the leader keeps HA."""
    state = snapshot.state
    follows = state is not None and mode in (state.mode, Mode.AUTO)
    return follows and all(each.serving is not None for each in snapshot.online)
