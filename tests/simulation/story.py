"""A seed's story: who takes part, a storm of faults under load, calm, and what must hold then."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from fluid.bus.memory import MOSQUITTO_2_0_11, STANDARD, Quirks
from fluid.client.wishes import Wishes
from fluid.messages import Mode
from tests.simulation import faults
from tests.simulation.bundle import FAMILIES
from tests.simulation.clients import Client, LibraryClient, PlainClient
from tests.simulation.device import Build
from tests.simulation.faults import BROKER_FAULTS, FAULTS, FORGETFUL_FAULTS, ROLL_OUTS, Fault
from tests.simulation.invariants import (
    SAFETY,
    SLOW_NETWORKS_GET_IN_STEP,
    all_agree_on_the_leader,
    expect,
    full_strength,
)
from tests.simulation.settling import CALM_AT_MOST_S, LOOK_EVERY_S, settle
from tests.simulation.violation import Violation
from tests.simulation.world import World

_AGENTS = ((1, 2), (2, 6), (3, 4), (4, 3), (8, 1))  # how many, how often
_LAST_REQUESTS = 3
_ROUNDS = 3  # of last requests: in the last of them, nobody is out of step any more
# A broker may find out only now that a device had lost its power in the storm, and publish the will
# of an agent that has long been back: then the state changes once more.
_TRIES = 3
_QUICK_S = 0.002
_WISHLESS = 0.7
_SOME = 0.2  # of all stories have something that the others do not
_HELPED_UP_S = 10.0
_LOSSES = 0.4  # of all storms end with a device that does not come back


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed draws before anything happens.

    forgetful: the broker may lose what it confirmed, so every client is one that sends again; as
    where there are several brokers, since who moves leaves what lies at the one before.
    """

    seed: int
    agents: tuple[str, ...]
    libraries: int
    plains: int
    camera: bool
    quirks: Quirks
    most_delay_s: float
    first_mode: str
    last_mode: Mode
    boot_within_s: float
    storm_s: float
    requests: int
    faults: int
    forgetful: bool
    most_waiting: int | None
    autosave_s: float
    poisons: int
    rolls_out: bool
    brokers: int
    wishes: bool
    builds: dict[str, Build]
    family: str = "fluid"


def draw(seed: int, family: str = "fluid") -> Plan:
    """The plan of a seed. family: of the bundle that is served at first.

    Of the others than fluid, the last word is HA: who cannot answer alone serves nothing in HT, and
    where nobody can, there is none.
    """
    random = Random(seed)  # noqa: S311 - a simulation, not a secret
    count = random.choices(*zip(*_AGENTS, strict=True))[0]
    brokers = 2 if random.random() < _SOME else 1
    forgetful = random.random() < 0.3
    resend = forgetful or brokers > 1
    libraries = random.randint(1, 3) if resend else random.randint(0, 2)
    agents = (random.choice(["master", "a"]), *(f"w{index}" for index in range(1, count)))
    plan = Plan(
        seed=seed,
        agents=agents,
        libraries=libraries,
        plains=0 if resend else random.randint(0 if libraries else 1, 3 - libraries),
        camera=not resend and random.random() < 0.3,
        quirks=random.choice([STANDARD, MOSQUITTO_2_0_11]),
        most_delay_s=random.choice([0.002, 0.02, 0.05]),
        first_mode=random.choice(["ha", "ht", "auto"]),
        last_mode=random.choice([Mode.HA, Mode.HT]),
        boot_within_s=random.choice([0.0, 0.05, 1.0]),
        storm_s=random.choice([5.0, 8.0, 8.0, 16.0]),
        requests=random.randint(40, 120),
        faults=random.randint(1, 8),
        forgetful=forgetful,
        most_waiting=20 if forgetful and random.random() < 0.2 else None,
        autosave_s=random.choice([0.5, 5.0]),
        poisons=0 if resend else random.choice([0, 0, 0, 0, 0, 1, 1, 2]),
        brokers=brokers,
        rolls_out=random.random() < _SOME,
        wishes=random.random() < _SOME,
        builds={agent: _build(random) for agent in agents} if random.random() < _SOME else {},
        family=family,
    )
    return plan if family == "fluid" else replace(plan, last_mode=Mode.HA)


def _build(random: Random) -> Build:
    max_slots = random.choice([1, 2])
    pins = random.choice([(), (), ("lower",), ("upper",), ("lower", "upper")])
    return Build(max_slots, pins[:max_slots], random.choice([0.5, 1.0, 1.0, 3.0]))


@dataclass(slots=True)
class Told:
    """How a story went."""

    plan: Plan
    world: World
    violation: Violation | None = None


class Story:
    """One world, from the first boot to the end."""

    def __init__(self, plan: Plan, *, detailed: bool = False) -> None:
        self.plan = plan
        self.world = World(
            plan.seed,
            most_delay_s=plan.most_delay_s,
            quirks=plan.quirks,
            most_waiting=plan.most_waiting,
            detailed=detailed,
            brokers=plan.brokers,
            bundle=FAMILIES[plan.family],
        )
        self.world.builds = plan.builds
        self._calm = False
        self._requesters: list[Client] = [
            *(LibraryClient(self.world, f"lib{index}") for index in range(plan.libraries)),
            *(PlainClient(self.world, f"plain{index}") for index in range(plan.plains)),
        ]
        self._camera = PlainClient(self.world, "camera") if plan.camera else None

    def tell(self) -> None:
        """Live through it; raises `Violation`."""
        self._start()
        self._storm()
        self._help_up()
        expect(self.world, *SAFETY)
        settle(self.world)
        self._ask_again()

    def _start(self) -> None:
        world, plan = self.world, self.plan
        for client in world.clients:
            client.connect()
        for agent in plan.agents:
            world.after(world.random.uniform(0.0, plan.boot_within_s), partial(world.boot, agent))
        world.run(plan.boot_within_s + world.random.choice([0.1, 2.5]))
        faults.wish(world, plan.first_mode)
        self._save()

    def _save(self) -> None:
        """The broker writes its state to the disk, now and then."""
        if not self.world.broker_stalls and self.world.broker.runs:
            self.world.broker.save()
        self.world.after(self.plan.autosave_s, self._save)

    def _storm(self) -> None:
        world, plan = self.world, self.plan
        senders: list[Callable[[], object]] = [
            partial(self._send, client) for client in self._requesters
        ]
        if self._camera:
            senders.append(self._camera.send_still)
        # Of its own, so that what happens in a seed does not hang on it.
        world.bustle = Random(f"bustle of {plan.seed}")  # noqa: S311 - a simulation, not a secret
        burst = world.random.random() < 0.2
        for _ in range(plan.requests):
            moment = world.random.uniform(0.0, 0.3 if burst else plan.storm_s)
            world.after(moment, world.random.choice(senders))
        for number in range(plan.poisons):
            moment = world.random.uniform(0.0, plan.storm_s)
            world.after(moment, partial(self._poison, b"poison %d" % number))
        kinds = FAULTS | (FORGETFUL_FAULTS if plan.forgetful else {})
        kinds |= ROLL_OUTS if plan.rolls_out else {}
        kinds |= BROKER_FAULTS if plan.brokers > 1 else {}
        for _ in range(plan.faults):
            fault = world.random.choices(list(kinds), list(kinds.values()))[0]
            world.after(world.random.uniform(0.0, plan.storm_s), partial(self._happen, fault))
        world.run(plan.storm_s)

    def _send(self, client: Client) -> str:
        payload = b"%s image %d" % (client.name.encode(), len(client.sent))
        return client.send(payload, self._draw_wishes())

    def _draw_wishes(self) -> Wishes | None:
        world = self.world
        if not self.plan.wishes or world.random.random() < _WISHLESS:
            return None
        names = [each.name for each in world.bundle.manifest.subnetworks]
        return Wishes(
            min_subnetwork=world.random.choice([None, *names]),
            deadline_s=world.random.choice([None, 0.02, 0.2, 2.0]),
        )

    def _poison(self, payload: bytes) -> None:
        """Somebody sends what kills whoever runs it."""
        self.world.poisons.add(payload)
        self.world.random.choice(self._requesters).send(payload)

    def _happen(self, fault: Fault) -> None:
        if not self._calm and fault(self.world):
            self.world.faults[fault.__name__] += 1

    def _help_up(self) -> None:
        """The last fault is over: what hangs goes on, what is cut off is not, what is down is
        started unless it went for good."""
        world = self.world
        if world.random.random() < _LOSSES:
            self._happen(faults.go_for_good)
        self._calm = True
        world.bustle = None
        world.tell("calm")
        if not world.broker.runs:
            world.broker.start()
        for network in world.networks:
            network.reach(0)
        for device in world.processes:
            device.network.loss = 0.0
            device.network.most_delay_s = world.most_delay_s
            faults.heal(world, device)
            faults.go_on(world, device)
        world.switch_bundle(world.bundle, within_s=1.0)
        for agent in sorted(world.devices.keys() - world.gone_for_good):
            world.helped_up.add(agent)
            if not any(device.is_up and device.agent == agent for device in world.processes):
                world.boot(agent)
        world.after(_HELPED_UP_S, self._help_up_again)

    def _help_up_again(self) -> None:
        """Of two under one id that were cut off from each other, the one may have been killed just
        when the other found it and went."""
        for agent in sorted(self.world.helped_up):
            self.world.boot_if_down(self.world.devices[agent])

    def _ask_again(self) -> None:
        """The operator has a last word, and everybody asks once more."""
        world, plan = self.world, self.plan
        faults.wish(world, plan.last_mode)
        give_up_at = world.now + CALM_AT_MOST_S
        while (state := world.cluster()) is None or state.mode is not plan.last_mode:
            if world.now >= give_up_at:
                expect(world, all_agree_on_the_leader)  # without one nobody decides
                raise Violation("mode_is_as_wished", f"{plan.last_mode} was wished for in vain")
            world.run(LOOK_EVERY_S)
        settle(self.world)
        world.run(LOOK_EVERY_S)
        strict = plan.most_delay_s <= _QUICK_S or SLOW_NETWORKS_GET_IN_STEP
        for _ in range(_TRIES):
            before = world.cluster()
            last = self._ask_all()
            settle(self.world)
            if world.cluster() == before:
                break
        else:
            raise Violation("mode_is_as_wished", "the cluster state does not come to rest")
        for problem in full_strength(world, last, plan.last_mode, strict=strict):
            raise Violation("full_strength", problem)

    def _ask_all(self) -> list[str]:
        """Everybody asks, again and again; returns the ids of the last round."""
        last: list[str] = []
        for _ in range(_ROUNDS):
            last = [
                self._send(client) for client in self._requesters for _ in range(_LAST_REQUESTS)
            ]
            self.world.run(LOOK_EVERY_S)
        return last


def tell(seed: int, *, detailed: bool = False, family: str = "fluid") -> Told:
    """Tell the story of a seed, to its end or to the first violation."""
    plan = draw(seed, family)
    story = Story(plan, detailed=detailed)
    told = Told(plan, story.world)
    try:
        story.tell()
    except Violation as violation:
        told.violation = violation
    except Exception as error:  # noqa: BLE001 - whatever a core raises, its seed has to be told
        told.world.tell("".join(traceback.format_exception(error)))
        told.violation = Violation("nothing_is_raised", repr(error))
    return told
