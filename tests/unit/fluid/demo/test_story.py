"""The story shows the whole table: each device dies in each mode, and comes back."""

from itertools import pairwise, product

from fluid.demo.stage import AGENTS
from fluid.demo.story import STORY
from fluid.messages.control import Mode


def test_each_device_is_killed_once_in_each_mode() -> None:
    kills = [(phase.mode, phase.kill) for phase in STORY if phase.kill is not None]
    assert sorted(kills) == sorted(product((Mode.HA, Mode.HT), AGENTS))


def test_each_mode_is_shown_undisturbed_before_its_first_kill() -> None:
    """The length of a stream with a kill comes from the rate that its mode has shown."""
    for mode in (Mode.HA, Mode.HT):
        first = next(phase for phase in STORY if phase.mode is mode)
        assert first.kill is None


def test_after_each_kill_both_devices_serve_again_in_the_same_mode() -> None:
    followed = [(phase, after) for phase, after in pairwise(STORY) if phase.kill is not None]
    assert len(followed) == sum(phase.kill is not None for phase in STORY)
    for phase, after in followed:
        assert (after.mode, after.kill) == (phase.mode, None)


def test_a_phase_with_a_kill_promises_that_the_other_device_carries_on() -> None:
    (phase,) = (each for each in STORY if each.name == "HT, master killed")
    assert phase.promise.devices == set(AGENTS)
    assert phase.promise.survivors == {"worker"}


def test_the_names_of_the_phases_differ() -> None:
    assert len({phase.name for phase in STORY}) == len(STORY)
