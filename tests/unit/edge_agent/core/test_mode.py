from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from edge_agent.core.mode import Load, ModeChoice, busiest_in_ha
from fluid.messages import Mode
from tests.unit.edge_agent.making import TIMING

BUSY = Load(queue=30, busy=1.0, slots=("lower",))
IDLE = Load(queue=0, busy=0.1, slots=("upper",))


def chosen(
    choice: ModeChoice,
    current: Mode,
    *loads: Load,
    now: float = 0.0,
    operator: Mode = Mode.AUTO,
    votes: tuple[Mode, ...] = (),
) -> Mode:
    return choice.choose(current, operator=operator, votes=votes, loads=loads, now=now)


@pytest.mark.parametrize("word", [Mode.HA, Mode.HT])
def test_the_operators_word_stands_above_votes_and_load(word: Mode) -> None:
    other = Mode.HT if word is Mode.HA else Mode.HA
    choice = ModeChoice(TIMING)
    assert chosen(choice, other, BUSY, operator=word, votes=(other, other)) is word


@pytest.mark.parametrize(
    ("votes", "mode"),
    [
        ((Mode.HT, Mode.AUTO, Mode.AUTO), Mode.HT),
        ((Mode.HT, Mode.HT, Mode.HA), Mode.HT),
        ((Mode.HA, Mode.HA, Mode.HT), Mode.HA),
    ],
)
def test_more_votes_than_for_the_other_decide(votes: tuple[Mode, ...], mode: Mode) -> None:
    other = Mode.HT if mode is Mode.HA else Mode.HA
    assert chosen(ModeChoice(TIMING), other, IDLE, votes=votes) is mode


def test_a_tie_of_votes_leaves_it_to_the_load() -> None:
    choice = ModeChoice(TIMING)
    votes = (Mode.HA, Mode.HT)
    assert chosen(choice, Mode.HA, IDLE, votes=votes) is Mode.HA
    assert chosen(choice, Mode.HT, BUSY, votes=votes) is Mode.HT


def test_one_overloaded_device_that_stays_so_ends_ha() -> None:
    choice = ModeChoice(TIMING)
    assert chosen(choice, Mode.HA, BUSY, IDLE, now=10.0) is Mode.HA
    assert chosen(choice, Mode.HA, BUSY, IDLE, now=9.99 + TIMING.overload_s) is Mode.HA
    assert chosen(choice, Mode.HA, BUSY, IDLE, now=10.01 + TIMING.overload_s) is Mode.HT


def test_a_pause_in_the_overload_starts_the_wait_anew() -> None:
    choice = ModeChoice(TIMING)
    chosen(choice, Mode.HA, BUSY, now=10.0)
    chosen(choice, Mode.HA, IDLE, now=10.5)
    assert chosen(choice, Mode.HA, BUSY, now=11.0) is Mode.HA
    assert chosen(choice, Mode.HA, BUSY, now=12.0) is Mode.HT


@pytest.mark.parametrize(
    "load", [Load(queue=30, busy=0.5), Load(queue=15, busy=1.0), Load(queue=0, busy=1.0)]
)
def test_a_long_queue_or_a_busy_device_alone_is_no_overload(load: Load) -> None:
    choice = ModeChoice(TIMING)
    chosen(choice, Mode.HA, load, now=0.0)
    assert chosen(choice, Mode.HA, load, now=60.0) is Mode.HA


def test_with_a_full_window_a_device_that_is_held_back_is_overloaded() -> None:
    full = Load(queue=58, busy=0.5, in_flight=64)
    assert full.is_overloaded
    assert not replace(full, queue=57).is_overloaded


def test_a_window_of_one_is_full_with_every_request() -> None:
    assert not Load(queue=1, busy=0.8, in_flight=1).is_overloaded


def test_with_a_full_window_a_device_that_only_waits_for_another_is_not_overloaded() -> None:
    assert not Load(queue=64, busy=0.49, in_flight=64).is_overloaded


@pytest.mark.parametrize(("in_flight", "queue"), [(1, 1), (2, 1), (4, 2), (20, 10), (64, 16)])
def test_half_of_what_a_device_asks_for_is_a_long_queue(in_flight: int, queue: int) -> None:
    assert Load(queue=queue, busy=1.0, in_flight=in_flight).is_overloaded
    assert not Load(queue=queue - 1, busy=1.0, in_flight=in_flight).is_overloaded


def test_a_tie_of_votes_without_load_changes_nothing() -> None:
    votes = (Mode.HT, Mode.HA, Mode.AUTO)
    for mode in (Mode.HA, Mode.HT):
        choice = ModeChoice(TIMING)
        between = Load(queue=5, busy=0.8, slots=("lower",))
        for now in range(100):
            assert chosen(choice, mode, between, now=now, votes=votes) is mode


def test_ha_returns_once_one_device_could_do_the_work_of_all_for_a_while() -> None:
    choice = ModeChoice(TIMING)
    quiet = (Load(0, 0.3, slots=("lower",)), Load(0, 0.3, slots=("upper",)))
    assert chosen(choice, Mode.HT, *quiet, now=0.0) is Mode.HT
    assert chosen(choice, Mode.HT, *quiet, now=4.9) is Mode.HT
    assert chosen(choice, Mode.HT, *quiet, now=5.0) is Mode.HA


def test_ht_stays_while_the_work_of_all_is_too_much_for_one() -> None:
    choice = ModeChoice(TIMING)
    shared = (Load(0, 0.4, slots=("lower",)), Load(0, 0.4, slots=("upper",)))
    chosen(choice, Mode.HT, *shared, now=0.0)
    assert chosen(choice, Mode.HT, *shared, now=60.0) is Mode.HT


def test_a_fixed_mode_forgets_what_the_load_said_before() -> None:
    choice = ModeChoice(TIMING)
    chosen(choice, Mode.HA, BUSY, now=0.0)
    chosen(choice, Mode.HA, BUSY, now=0.5, operator=Mode.HA)
    assert chosen(choice, Mode.HA, BUSY, now=1.2) is Mode.HA


# What HA would be like, told from HT.


def holders(*groups: tuple[str, ...], busy: float, capacity: float = 1.0) -> list[Load]:
    return [Load(0, busy, slots=slots, capacity=capacity) for slots in groups]


def test_replicas_of_a_slot_share_its_work() -> None:
    lower, upper = ("lower",), ("upper",)
    assert busiest_in_ha(holders(lower, upper, busy=0.3)) == pytest.approx(0.6)
    assert busiest_in_ha(holders(lower, lower, upper, upper, busy=0.3)) == pytest.approx(0.6)
    assert busiest_in_ha(holders(lower, lower, lower, upper, busy=0.3)) == pytest.approx(1.2)


def test_one_device_that_holds_all_slots_does_the_same_in_either_mode() -> None:
    assert busiest_in_ha(holders(("lower", "upper"), busy=0.5)) == pytest.approx(0.5)


def test_a_strong_device_does_more_for_its_slot() -> None:
    strong, weak = Load(0, 0.3, "", ("lower",), 3.0), Load(0, 0.3, "", ("upper",), 1.0)
    assert busiest_in_ha([strong, weak]) == pytest.approx(1.2)  # all images at the weak one
    assert busiest_in_ha([strong, weak, weak, weak]) == pytest.approx(0.6)


def test_devices_of_another_bundle_do_not_share_a_slot() -> None:
    ours, theirs = Load(0, 0.3, "ours", ("lower",)), Load(0, 0.3, "theirs", ("lower",))
    assert busiest_in_ha([ours, theirs]) == pytest.approx(0.6)


def test_who_holds_nothing_does_nothing() -> None:
    assert busiest_in_ha([]) == 0.0
    assert busiest_in_ha([Load(0, 1.0)]) == 0.0


# A small model of a loaded cluster: every device computes one thing after another.


@dataclass
class Model:
    """Devices of one slot each, and images that take a device of capacity 1 an hundredth of a
    second. level: the arrivals, as a share of what HA can do. error: how much slower devices of
    the last slot really are than their capacities say."""

    slots: tuple[str, ...]
    capacities: tuple[float, ...] = ()
    in_flight: int = 64
    error: float = 1.0
    mode: Mode = Mode.HA
    now: float = 0.0
    switches: list[Mode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._capacities = self.capacities or (1.0,) * len(self.slots)
        self._backlog = [0.0] * len(self.slots)  # seconds of work
        self._choice = ModeChoice(TIMING)
        last = self.slots[-1]
        self._cost_s = [0.01 * (self.error if slot == last else 1.0) for slot in self.slots]

    def run(self, seconds: float, level: float) -> None:
        for _ in range(round(seconds / 0.5)):
            self._beat(level * self._ha_capacity())

    def _of_slot(self, slot: str) -> float:
        held = zip(self._capacities, self.slots, strict=True)
        return sum(capacity for capacity, name in held if name == slot)

    def _ha_capacity(self) -> float:
        """Images a second that the weakest slot can do."""
        costs = dict(zip(self.slots, self._cost_s, strict=True))
        return min(self._of_slot(slot) / cost for slot, cost in costs.items())

    def _beat(self, images_a_s: float) -> None:
        loads = []
        for index, (slot, capacity) in enumerate(zip(self.slots, self._capacities, strict=True)):
            share = (
                capacity / self._of_slot(slot)
                if self.mode is Mode.HA
                else capacity / sum(self._capacities)
            )
            image_s = self._cost_s[index] / capacity
            work_s = self._backlog[index] + 0.5 * images_a_s * share * image_s
            self._backlog[index] = max(0.0, work_s - 0.5)
            queue = min(self.in_flight, int(self._backlog[index] / image_s))
            busy = min(1.0, work_s / 0.5)
            loads.append(Load(queue, busy, "", (slot,), capacity, self.in_flight))
        self.now += 0.5
        mode = self._choice.choose(
            self.mode, operator=Mode.AUTO, votes=(), loads=loads, now=self.now
        )
        if mode is not self.mode:
            self.switches.append(mode)
        self.mode = mode


CLUSTERS = {
    "two": {"slots": ("lower", "upper")},
    "four": {"slots": ("lower", "lower", "upper", "upper")},
    "uneven": {"slots": ("lower", "upper", "upper")},
    "three slots": {"slots": ("a", "b", "c")},
    "strong and weak": {"slots": ("lower", "upper", "upper"), "capacities": (4.0, 1.0, 2.0)},
    "two in flight": {"slots": ("lower", "upper"), "in_flight": 2},
}


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS)
@pytest.mark.parametrize("percent", range(10, 201, 5))
@pytest.mark.parametrize("start", [Mode.HA, Mode.HT])
def test_under_a_steady_load_the_mode_changes_once_at_most(
    cluster: dict[str, Any], percent: int, start: Mode
) -> None:
    model = Model(**cluster, mode=start)
    model.run(300.0, percent / 100)
    assert len(model.switches) <= 1
    if percent <= 55:
        assert model.mode is Mode.HA
    if percent >= 105:
        assert model.mode is Mode.HT


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS)
def test_a_step_of_the_load_and_back_changes_the_mode_once_each_way(
    cluster: dict[str, Any],
) -> None:
    model = Model(**cluster)
    model.run(60.0, 0.2)
    assert model.switches == []
    model.run(60.0, 1.5)
    assert model.switches == [Mode.HT]
    model.run(120.0, 0.2)
    assert model.switches == [Mode.HT, Mode.HA]


def test_where_the_estimate_errs_the_mode_changes_ever_more_seldom() -> None:
    model = Model(("lower",) * 3 + ("upper",), error=4.0)
    model.run(3600.0, 1.05)
    first = len(model.switches)
    assert first > 1, "the estimate was meant to err"
    model.run(3600.0, 1.05)
    assert len(model.switches) - first <= 14
