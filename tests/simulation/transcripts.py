"""Stories that a person can read: commands, and below each what was said that matters.

A scenario file is blocks, with blank lines between. A block is a line of commands, a line of
dashes, and what came of it: what each device noted, the cluster's state, and the answers.
Comments begin with #. There are no times in it, nor counts that depend on milliseconds.

    advance 3s crash=worker stream=40
    ----
    master: peer_offline agent=worker
    ...

Commands happen in the order given, then time passes. `NAME=AGENT,AGENT` does to agents what its
name says: boot, crash, lose_power, hang, go_on, leave, cut, heal, lose_network, slow, impostor.
And: mode=ha, stream=COUNT requests spread over the time, broker=stop and broker=start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from fluid.messages import ErrorReply
from tests.simulation import faults
from tests.simulation.world import World

_RULE = "----"
_COMMAND = re.compile(r"advance (?P<span_s>[0-9.]+)s(?P<actions>( [a-z_]+=[a-z0-9,]+)*)")
# What a device notes of its connections is not the story, and tells of pauses in seconds.
_LEFT_OUT = ("link_opened", "link_closed", "claiming")
# These depend on milliseconds, or on how a decision was split.
_COUNTS = re.compile(r" (epoch|handed_over|held)=\d+")
_SLOW_S = 0.4


@dataclass(slots=True)
class Block:
    """A command, the comment lines above it, and what it brought about."""

    comment: list[str]
    command: str
    said: list[str] = field(default_factory=list)


def parse(text: str) -> list[Block]:
    """The blocks of a scenario file. Raises ValueError for a line that is in no block."""
    blocks = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = part.splitlines()
        comment = [line for line in lines if line.startswith("#")]
        rest = lines[len(comment) :]
        if not rest:
            blocks.append(Block(comment, ""))
            continue
        if len(rest) > 1 and rest[1] != _RULE:
            raise ValueError(f"expected {_RULE} below {rest[0]!r}")
        blocks.append(Block(comment, rest[0], rest[2:]))
    return blocks


def render(blocks: list[Block]) -> str:
    """The file that `parse` reads."""
    parts = []
    for block in blocks:
        body = [block.command, _RULE, *block.said] if block.command else []
        parts.append("\n".join([*block.comment, *body]))
    return "\n\n".join(parts) + "\n"


def play(blocks: list[Block]) -> list[Block]:
    """The same commands, and what they bring about now."""
    stage = _Stage()
    return [
        Block(block.comment, block.command, stage.do(block.command) if block.command else [])
        for block in blocks
    ]


class _Stage:
    """A world, and what has been told of it."""

    def __init__(self) -> None:
        self._world = World()
        self._world.client.connect()
        self._told = 0
        self._so_far = 0, 0  # requests and answers that were told of

    def do(self, command: str) -> list[str]:
        given = _COMMAND.fullmatch(command)
        if given is None:
            raise ValueError(f"no command: {command!r}")
        span_s = float(given["span_s"])
        for action in given["actions"].split():
            self._act(action, span_s)
        self._world.run(span_s)
        return [*self._notes(), *self._cluster(), *self._answers()]

    def _act(self, action: str, span_s: float) -> None:
        world = self._world
        name, _, value = action.partition("=")
        if name == "mode":
            faults.wish(world, value)
        elif name == "stream":
            count = int(value)
            # The last of them leaves a tenth of the time to answer it.
            world.client.stream(count, every_s=0.9 * span_s / count)
        elif action == "broker=stop":
            world.broker.stop(keep_sessions=True)
        elif action == "broker=start":
            world.broker.start()
        else:
            for agent in value.split(","):
                self._act_on(name, agent)

    def _act_on(self, name: str, agent: str) -> None:
        world = self._world
        if name in ("boot", "impostor"):
            getattr(world, name)(agent)
            return
        device = world.devices[agent]
        actions: dict[str, Callable[[], None]] = {
            "crash": device.crash,
            "lose_power": device.lose_power,
            "hang": device.hang,
            "go_on": device.go_on,
            "leave": device.leave,
            "lose_network": device.lose_network,
            "cut": partial(device.network.block, up=True, down=True),
            "heal": device.network.heal,
            "slow": partial(setattr, device.network, "most_delay_s", _SLOW_S),
        }
        actions[name]()

    def _notes(self) -> Iterator[str]:
        """What the devices said since the last command, device by device: which of two spoke
        first is a matter of milliseconds."""
        lines = [line[10:] for line in self._world.transcript[self._told :]]
        self._told = len(self._world.transcript)
        said = [line for line in lines if ": " in line]
        for agent in sorted(self._world.devices):
            for line in said:
                speaker, _, note = line.partition(": ")
                if speaker == agent and note.split()[0] not in _LEFT_OUT:
                    yield _COUNTS.sub("", line)

    def _cluster(self) -> Iterator[str]:
        state = self._world.cluster()
        if state is not None:
            slots = " ".join(
                f"{slot}={','.join(agents) or '-'}" for slot, agents in state.placement.items()
            )
            yield f"cluster: leader={state.leader} mode={state.mode} {slots}"

    def _answers(self) -> Iterator[str]:
        client = self._world.client
        if (len(client.sent), len(client.answers)) == self._so_far and not client.lost():
            return
        self._so_far = len(client.sent), len(client.answers)
        firsts = [replies[0] for replies in client.answers.values()]
        kinds = {each.code if isinstance(each, ErrorReply) else each.subnetwork for each in firsts}
        twice = " some twice" if client.answered_twice() else ""
        yield f"answers: {len(firsts)} of {len(client.sent)} by {' '.join(sorted(kinds))}{twice}"
