"""The agent as a service of systemd: confined, watched, and at work all the same."""

import re

import pytest

from tests.fleet.device import POLL_S, Device
from tests.fleet.fleet import Fleet
from tests.fleet.reference import Reference
from tests.fleet.stream import traffic
from tests.fleet.watch import wait_until_serving
from tests.processes import wait_until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(1200)]

_EXPOSURE = re.compile(r"Overall exposure level for \S+: ([0-9.]+)")
_MOST_EXPOSURE = 2.0


def _property(device: Device, name: str) -> str:
    return device.run(f"systemctl show --value --property {name} fluid-agent").strip()


def test_its_exposure_is_low_while_it_computes(deployed: Fleet, reference: Reference) -> None:
    name = deployed.names.workers[0]
    with traffic(deployed, reference) as run:
        report = deployed[name].run("systemd-analyze security --no-pager fluid-agent")
        run.wait_until(
            lambda done: any(name in record.devices for record in done),
            f"{name} has no part in any answer",
        )
    match = _EXPOSURE.search(report)
    assert match is not None, report
    print(match[0])
    assert float(match[1]) < _MOST_EXPOSURE


def test_it_is_another_user_than_root(deployed: Fleet) -> None:
    for device in deployed.agents:
        pid = _property(device, "MainPID")
        assert device.run(f"stat -c %U /proc/{pid}").strip() == "fluid"


def test_the_watchdog_starts_it_again_when_it_hangs(deployed: Fleet, reference: Reference) -> None:
    name = deployed.names.workers[0]
    device = deployed[name]
    before = int(_property(device, "NRestarts"))
    with traffic(deployed, reference):
        device.run(f"kill -STOP {_property(device, 'MainPID')}")
        wait_until(
            lambda: int(_property(device, "NRestarts")) > before,
            timeout_s=180,
            what="the watchdog has not started it again",
            poll_s=POLL_S,
        )
        wait_until_serving(deployed, deployed.names.agents)
