"""`uninstall.yml`: the devices are as blank as they were."""

import pytest

from tests.fleet.fleet import Fleet
from tests.fleet.snapshots import Snapshot

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(1200)]


def test_it_leaves_nothing_and_takes_nothing(
    deployed: Fleet, blank: dict[str, Snapshot]
) -> None:
    deployed.playbooks.run("uninstall.yml", deployed.inventory).expect_success()
    after = {name: Snapshot.of(device) for name, device in deployed.devices.items()}
    assert {name: after[name].left_over(blank[name]) for name in after} == dict.fromkeys(after, [])
    assert {name: after[name].missing(blank[name]) for name in after} == dict.fromkeys(after, [])


def test_a_second_run_changes_nothing(deployed: Fleet) -> None:
    second = deployed.playbooks.run("uninstall.yml", deployed.inventory).expect_success()
    assert second.changed_tasks == ()
