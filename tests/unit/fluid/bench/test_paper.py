from fluid.bench.paper import CONTENDERS, RATIOS, ratios

RATES = {
    "Static": 200.0,
    "Dynamic": 250.0,
    "Dynamic, lower half": 350.0,
    "Fluid HA": 400.0,
    "Fluid HT": 700.0,
}


def test_fluid_is_held_against_the_faster_way_of_dynamic() -> None:
    assert ratios(RATES) == {"ht_over_dynamic": 2.0, "ht_over_static": 3.5, "ha_over_static": 2.0}
    assert ratios({**RATES, "Dynamic": 700.0})["ht_over_dynamic"] == 1.0


def test_a_family_that_was_not_measured_has_no_ratio() -> None:
    assert ratios({"Fluid HT": 700.0, "Static": 200.0}) == {"ht_over_static": 3.5}
    assert ratios({"Static": 200.0}) == {}


def test_a_family_that_fails_has_no_ratio() -> None:
    assert "ht_over_static" not in ratios({**RATES, "Static": 0.0})


def test_ratios_are_of_contenders() -> None:
    assert all({above, *below} <= set(CONTENDERS) for above, below in RATIOS.values())
