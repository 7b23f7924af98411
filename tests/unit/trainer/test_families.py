"""What each family of networks can do when a device is gone: the table that Fluid is about."""

import pytest

from tests.trained import TrainedFamily
from trainer.topology import Family, Topology

_LOWER = ["lower25", "lower50"]
_UPPER = ["upper25", "upper50"]


@pytest.mark.parametrize(
    ("family", "both", "worker_dies", "master_dies"),
    [
        (Family.STATIC, ["100"], [], []),
        (Family.DYNAMIC, [*_LOWER, "75", "100"], _LOWER, []),
        (Family.FLUID, [*_LOWER, "75", "100", *_UPPER], _LOWER, _UPPER),
    ],
)
def test_two_devices(
    trained_family: TrainedFamily,
    family: Family,
    both: list[str],
    worker_dies: list[str],
    master_dies: list[str],
) -> None:
    manifest = trained_family(Topology.of(2, family=family)).bundle.manifest
    assert manifest.family == family
    found = [
        [spec.name for spec in manifest.runnable(online)]
        for online in (["lower", "upper"], ["lower"], ["upper"])
    ]
    assert found == [both, worker_dies, master_dies]


@pytest.mark.parametrize(
    ("family", "first_left", "all_but_first"),
    [
        (Family.STATIC, [], []),
        (Family.DYNAMIC, ["slot1-25"], []),
        (
            Family.FLUID,
            ["slot1-25"],
            [
                *["slot2-25", "slot3-25", "slot4-25"],
                *["slot2-25+slot3-25+slot4-25", "slot3-25+slot4-25"],
            ],
        ),
    ],
)
def test_four_devices(
    trained_family: TrainedFamily, family: Family, first_left: list[str], all_but_first: list[str]
) -> None:
    result = trained_family(Topology.of(4, widths=(1.0,), family=family))
    first, *others = (manifest := result.bundle.manifest).slots
    assert "100" in [spec.name for spec in manifest.runnable(manifest.slots)]
    assert [spec.name for spec in manifest.runnable([first])] == first_left
    assert [spec.name for spec in manifest.runnable(others)] == all_but_first


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize(("slots", "widths"), [(2, None), (4, (1.0,))])
def test_every_sub_network_has_learnt_and_is_measured_through_its_stages(
    trained_family: TrainedFamily, family: Family, slots: int, widths: tuple[float, ...] | None
) -> None:
    result = trained_family(Topology.of(slots, widths=widths, family=family))
    for spec in result.bundle.manifest.subnetworks:
        assert spec.float_accuracy is not None
        assert spec.float_accuracy > 0.5  # chance is 0.1
        assert spec.int8_accuracy == pytest.approx(spec.float_accuracy, abs=0.05)
