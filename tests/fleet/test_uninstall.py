"""`uninstall.yml`: the devices are as blank as they were."""

import pytest

from tests.fleet.fleet import Fleet
from tests.fleet.snapshots import Snapshot

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(1200)]


def test_it_leaves_nothing_and_takes_nothing(deployed: Fleet, blank: dict[str, Snapshot]) -> None:
    deployed.playbooks.run("uninstall.yml", deployed.inventory).expect_success()
    after = {name: Snapshot.of(device) for name, device in deployed.devices.items()}
    left = {name: found for name in after if (found := after[name].left_over(blank[name]))}
    gone = {name: found for name in after if (found := after[name].missing(blank[name]))}
    assert (left, gone) == ({}, {})


def test_a_second_run_changes_nothing(deployed: Fleet) -> None:
    second = deployed.playbooks.run("uninstall.yml", deployed.inventory).expect_success()
    assert second.changed_tasks == ()
