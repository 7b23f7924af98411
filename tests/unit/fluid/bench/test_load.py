from fluid.bench.load import reactions
from fluid.bench.mode_log import Switch
from fluid.messages.control import Mode

UP_S, DOWN_S = 4.0, 12.0


def _reactions(*switches: Switch) -> dict[str, float]:
    found = reactions(switches, up_at_s=UP_S, down_at_s=DOWN_S)
    return {each.quantity: each.value for each in found}


def test_a_mode_that_follows_the_load_switches_once_in_each_direction() -> None:
    assert _reactions(Switch(5.5, Mode.HT), Switch(18.0, Mode.HA)) == {
        "to_ht_s": 1.5,
        "switches_to_ht": 1,
        "to_ha_s": 6.0,
        "switches_to_ha": 1,
    }


def test_a_mode_that_stays_has_no_time() -> None:
    assert _reactions() == {"switches_to_ht": 0, "switches_to_ha": 0}


def test_flapping_is_counted_and_only_the_last_return_counts_as_one() -> None:
    found = _reactions(
        Switch(5.0, Mode.HT), Switch(8.0, Mode.HA), Switch(9.0, Mode.HT), Switch(17.0, Mode.HA)
    )
    assert (found["switches_to_ht"], found["switches_to_ha"]) == (2, 2)
    assert (found["to_ht_s"], found["to_ha_s"]) == (1.0, 5.0)
