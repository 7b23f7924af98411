"""Several nodes without a network, whose messages and jobs are let through one by one.

Requests, agents' messages to each other and the executors' outcomes wait. Messages of one sender
keep their order for each that hears them. Logits depend on the bundle,
the stage and the request, so that an answer tells what it was made of.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.answers import softmax
from edge_agent.core.edition import Edition
from edge_agent.core.effects import Effect
from edge_agent.core.events import Event, LinkName, RequestArrived, Route
from edge_agent.core.node import Node
from fluid.messages import Mode, Result
from fluid.submodel import Logits, combine
from tests.unit.edge_agent.making import (
    DIGEST,
    MANIFEST,
    OTHER_DIGEST,
    as_result,
    request,
    settings,
)

NEW = Edition(MANIFEST, OTHER_DIGEST)


def logits_of(edition: str, stage: str, name: str) -> Logits:
    """float32 (1, 3), different for each bundle, stage and request."""
    seed = list(f"{edition} {stage} {name}".encode())
    return np.random.default_rng(seed).normal(size=(1, 3)).astype(np.float32)


@dataclass(slots=True)
class _Device:
    node: Node
    runs: str = DIGEST


class Rolling:
    """A cluster of nodes `a`, `b`... that has formed in a mode."""

    def __init__(self, agents: str, mode: Mode) -> None:
        self.now = 100.0
        self.replies: dict[str, list[Result]] = {}
        self._mode = mode
        self._channels: dict[tuple[str, str], deque[Event]] = {}
        self._jobs: dict[str, deque[do.Compute | str]] = {agent: deque() for agent in agents}
        self._devices = {agent: _Device(Node(settings(agent))) for agent in agents}
        for agent in agents:
            self.happen(agent, seen.Started(1000))
        self.drain()
        for agent in agents:
            self.happen(agent, seen.ModeWished(mode))
        self.drain()
        assert {device.node.serving_mode for device in self._devices.values()} == {mode}

    def ask(self, name: str) -> None:
        """A request is on its way: to all in high accuracy, else to one after the other."""
        self.replies[name] = []
        agents = list(self._devices)
        route = Route.EVERYONE if self._mode is Mode.HA else Route.SHARED
        if route is Route.SHARED:
            agents = [agents[len(self.replies) % len(agents)]]
        self._send("client", RequestArrived(request(name), route, ack_id=1), agents)

    def switch(self, agent: str, edition: Edition) -> list[Effect]:
        """A bundle is ready to be run; what the device does at once."""
        return self.happen(agent, seen.BundleLoaded(edition.manifest, edition.digest))

    def happen(self, agent: str, event: Event) -> list[Effect]:
        effects = self._devices[agent].node.step(event, self.now)
        for effect in effects:
            self._perform(agent, effect)
        return list(effects)

    @property
    def held(self) -> int:
        return sum(device.node.held_requests for device in self._devices.values())

    def choices(self) -> list[Callable[[], None]]:
        """What may happen next: a message arrives somewhere, or a job is done."""
        jobs = [partial(self._finish_job, agent) for agent, jobs in self._jobs.items() if jobs]
        messages = [
            partial(self._let_through, channel)
            for channel, events in self._channels.items()
            if events
        ]
        return [*jobs, *messages]

    def drain(self) -> None:
        """Let everything through, until nothing waits."""
        while choices := self.choices():
            choices[0]()

    def _let_through(self, channel: tuple[str, str]) -> None:
        self.happen(channel[1], self._channels[channel].popleft())

    def _finish_job(self, agent: str) -> None:
        device, job = self._devices[agent], self._jobs[agent].popleft()
        if isinstance(job, str):
            device.runs = job
            return
        key, name = job.request.key, job.request.id
        outputs = {stage: logits_of(device.runs, stage, name) for stage in job.stages}
        self.happen(agent, seen.Computed(key, outputs, 1.0, is_batch=False, digest=device.runs))

    def _perform(self, agent: str, effect: Effect) -> None:  # noqa: C901, PLR0912 - a dispatch table
        match effect:
            case do.OpenControl(probe=probe):
                self.happen(agent, seen.LinkOpened(LinkName.CONTROL))
                self.happen(agent, seen.HeartbeatSeen(probe))
            case do.OpenInfer():
                self.happen(agent, seen.LinkOpened(LinkName.INFER))
            case do.Serve(route):
                self.happen(agent, seen.Served(route))
            case do.Compute():
                self._jobs[agent].append(effect)
            case do.RunBundle(digest):
                self._jobs[agent].append(digest)
            case do.SendReply(replies=(reply,), token=token):
                self.replies[effect.request.id].append(as_result(reply))
                self._send(agent, seen.ReplyConfirmed(token, accepted=True), [agent])
            case do.SendPartials(to, partials):
                for each in partials:
                    self._send(agent, seen.PartialSeen(each), [to])
            case do.SendDone(notice):
                self._send(agent, seen.DoneSeen(notice), set(self._devices) - {agent})
            case do.SendUnheard(notice):
                self._send(agent, seen.UnheardSeen(notice), self._devices)
            case do.PublishPresence(presence):
                self._send(agent, seen.PresenceSeen(presence), self._devices)
            case do.PublishHeartbeat(heartbeat):
                self._send(agent, seen.HeartbeatSeen(heartbeat), self._devices)
            case do.PublishCluster(state):
                self._send(agent, seen.ClusterSeen(state, retained=False), self._devices)
            case do.Exit():
                raise AssertionError(effect)

    def _send(self, sender: str, event: Event, to: Iterable[str]) -> None:
        for agent in sorted(to):
            self._channels.setdefault((sender, agent), deque()).append(event)


def made_of(result: Result, name: str) -> list[tuple[str, tuple[str, ...]]]:
    """The bundles and stages that a result can have been made of, judged by its numbers."""
    widest = tuple(MANIFEST.widest_stage(slot).name for slot in MANIFEST.slots)
    return [
        (edition, stages)
        for edition in (DIGEST, OTHER_DIGEST)
        for count in range(1, len(widest) + 1)
        for stages in combinations(widest, count)
        if _confidence([logits_of(edition, stage, name) for stage in stages]) == result.confidence
    ]


def _confidence(partials: Sequence[Logits]) -> float:
    return float(softmax(combine(list(partials))).max())
