"""Which bundle rollback.yml goes back to, by what the devices have."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ansible.loading import load
from tests.unit.ansible.playbooks import run_playbook

pytestmark = pytest.mark.secured

preflight = load("filter_plugins/fluid_preflight.py")

UNREACHABLE = {"unreachable": True, "msg": "No route to host"}


def probes(**devices: tuple[str, str]) -> dict[str, Any]:
    """By host, the bundle that it serves and the one before."""
    return {
        host: {"rc": 0, "stdout": json.dumps({"bundle": bundle, "previous": previous})}
        for host, (bundle, previous) in devices.items()
    }


@pytest.mark.parametrize(
    "found",
    [
        probes(a=("new", "old"), b=("new", "old")),
        probes(a=("new", "old"), b=("old", "older")),  # the rollout stopped before b
        probes(a=("new", "old"), b=("old", "")),
    ],
)
def test_all_serve_the_bundle_before_and_none_goes_back_further(found: dict[str, Any]) -> None:
    assert preflight.rollback_problems(found) == []
    assert preflight.rollback_target(found) == "old"


def test_a_host_that_cannot_be_reached_is_told_so() -> None:
    (problem,) = preflight.rollback_problems(probes(a=("new", "old")) | {"b": UNREACHABLE})
    assert problem.startswith("b cannot be reached over ssh")


def test_a_device_that_had_no_other_bundle_is_named() -> None:
    (problem,) = preflight.rollback_problems(probes(a=("new", "old"), b=("new", "")))
    assert problem.startswith("b has no bundle to go back to")


@pytest.mark.parametrize(
    "found",
    [
        probes(a=("old", "new"), b=("new", "old")),  # a rollout or a rollback that stopped
        probes(a=("new", "old"), b=("new", "older")),
        probes(a=("new", "old"), b=("older", "oldest")),
    ],
)
def test_devices_that_have_no_one_bundle_to_go_back_to_are_left_alone(
    found: dict[str, Any],
) -> None:
    (problem,) = preflight.rollback_problems(found)
    assert problem.startswith("the devices differ in what they can go back to (a serves ")
    assert "--limit" in problem


# Nobody listens at port 1.
HOSTS = """
[masters]
lost ansible_host=127.0.0.1 ansible_port=1
[all:vars]
"""


@pytest.mark.parametrize("playbook", ["rollback.yml", "uninstall.yml"])
def test_a_playbook_stops_at_a_host_that_does_not_answer(tmp_path: Path, playbook: str) -> None:
    status, said = run_playbook(tmp_path, playbook, HOSTS)
    assert status != 0
    assert "lost cannot be reached over ssh" in said
    assert "has no bundle to go back to" not in said


def test_a_rollback_leaves_revoked_devices_out(tmp_path: Path) -> None:
    status, said = run_playbook(tmp_path, "rollback.yml", HOSTS + 'fluid_revoked=["lost"]\n')
    assert status == 0, said
    assert "preflight" not in said


def test_only_devices_that_had_switched_are_switched_back(tmp_path: Path) -> None:
    """The playbook itself, as a check on this machine, with what two devices would tell."""
    told = {
        "found": probes(a=("new", "old"), b=("old", "older")),
        "preflight_probe": "{{ found[inventory_hostname] }}",
        "preflight_device": "{{ preflight_probe | fluid_told_by }}",
        "ansible_connection": "local",
        "ansible_become": False,
    }
    status, said = run_playbook(
        tmp_path, "rollback.yml", "[workers]\na\nb\n", "--check", "--diff", "-e", json.dumps(told)
    )
    assert status == 0, said
    last = said[said.index("Go back, one device after the other") :]
    assert "switch to bundle old" in last
    assert "[a]" in last
    assert "[b]" not in last
    # What it served is kept before the switch, so that an interruption after that loses nothing.
    assert last.index("link to bundles/new") < last.index("link to bundles/old")
