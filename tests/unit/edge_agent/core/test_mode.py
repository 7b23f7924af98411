import pytest

from edge_agent.core.mode import ModeChoice
from fluid.messages import Heartbeat, Mode
from tests.unit.edge_agent.making import TIMING, heartbeat

BUSY = heartbeat("a", queue=30, busy=1.0)
IDLE = heartbeat("b", queue=0, busy=0.1)


def chosen(
    choice: ModeChoice,
    current: Mode,
    *loads: Heartbeat,
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


def test_one_overloaded_device_ends_ha_after_a_second() -> None:
    choice = ModeChoice(TIMING)
    assert chosen(choice, Mode.HA, BUSY, IDLE, now=10.0) is Mode.HA
    assert chosen(choice, Mode.HA, BUSY, IDLE, now=10.9) is Mode.HA
    assert chosen(choice, Mode.HA, BUSY, IDLE, now=11.0) is Mode.HT


def test_a_pause_in_the_overload_starts_the_second_anew() -> None:
    choice = ModeChoice(TIMING)
    chosen(choice, Mode.HA, BUSY, now=10.0)
    chosen(choice, Mode.HA, IDLE, now=10.5)
    assert chosen(choice, Mode.HA, BUSY, now=11.0) is Mode.HA
    assert chosen(choice, Mode.HA, BUSY, now=12.0) is Mode.HT


@pytest.mark.parametrize(
    "load", [heartbeat("a", queue=30, busy=0.5), heartbeat("a", queue=3, busy=1.0)]
)
def test_a_long_queue_or_a_busy_device_alone_is_no_overload(load: Heartbeat) -> None:
    choice = ModeChoice(TIMING)
    chosen(choice, Mode.HA, load, now=0.0)
    assert chosen(choice, Mode.HA, load, now=60.0) is Mode.HA


def test_ha_returns_once_one_device_could_do_the_work_of_all_for_a_while() -> None:
    choice = ModeChoice(TIMING)
    quiet = (heartbeat("a", busy=0.3), heartbeat("b", busy=0.3))
    assert chosen(choice, Mode.HT, *quiet, now=0.0) is Mode.HT
    assert chosen(choice, Mode.HT, *quiet, now=4.9) is Mode.HT
    assert chosen(choice, Mode.HT, *quiet, now=5.0) is Mode.HA


def test_ht_stays_while_the_work_of_all_is_too_much_for_one() -> None:
    choice = ModeChoice(TIMING)
    shared = (heartbeat("a", busy=0.4), heartbeat("b", busy=0.4))
    chosen(choice, Mode.HT, *shared, now=0.0)
    assert chosen(choice, Mode.HT, *shared, now=60.0) is Mode.HT


def test_a_fixed_mode_forgets_what_the_load_said_before() -> None:
    choice = ModeChoice(TIMING)
    chosen(choice, Mode.HA, BUSY, now=0.0)
    chosen(choice, Mode.HA, BUSY, now=0.5, operator=Mode.HA)
    assert chosen(choice, Mode.HA, BUSY, now=1.2) is Mode.HA
