"""`deploy.yml` on blank devices, and once more."""

import pytest

from tests.fleet.fleet import Fleet
from tests.fleet.playbook import Run

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(2400)]


def test_one_run_takes_blank_devices_to_a_serving_cluster(deployment: Run, deployed: Fleet) -> None:
    assert set(deployment.recaps) >= set(deployed.names.all)
    assert all(recap.failed == recap.unreachable == 0 for recap in deployment.recaps.values())
    print(f"deployed in {deployment.duration_s:.0f} s")


def test_a_check_of_what_is_deployed_finds_nothing_to_change(deployed: Fleet) -> None:
    checked = deployed.playbooks.run("deploy.yml", deployed.inventory, "--check", "--diff")
    assert checked.expect_success().changed_tasks == ()


def test_a_second_run_changes_nothing(deployed: Fleet) -> None:
    second = deployed.playbooks.run("deploy.yml", deployed.inventory)
    assert second.expect_success().changed_tasks == ()
    assert second.changed == 0
