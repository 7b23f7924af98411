"""Devices die, hang and lose the network while requests come in: none is lost."""

import pytest

from tests.chaos.stream import Record
from tests.fleet.fleet import Fleet
from tests.fleet.reference import Reference
from tests.fleet.stream import Traffic, traffic
from tests.fleet.watch import wait_until_serving

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(1200)]

_MORE = 40


def _wait_for_help_of(run: Traffic, name: str) -> None:
    """Wait until a device has had a part in answers again."""

    def helped(done: list[Record]) -> bool:
        return any(name in record.devices for record in done)

    run.wait_until(helped, f"{name} has no part in any answer")


def test_nothing_is_lost_as_a_worker_loses_its_power(deployed: Fleet, reference: Reference) -> None:
    name = deployed.names.workers[0]
    others = tuple(each for each in deployed.names.agents if each != name)
    with traffic(deployed, reference) as run:
        deployed[name].kill()
        wait_until_serving(deployed, others)
        run.wait_for_more(_MORE)
        deployed[name].start()
        wait_until_serving(deployed, deployed.names.agents)
        _wait_for_help_of(run, name)


def test_nothing_is_lost_as_the_master_hangs(deployed: Fleet, reference: Reference) -> None:
    name = deployed.names.masters[0]
    with traffic(deployed, reference) as run:
        deployed[name].pause()
        try:
            wait_until_serving(deployed, tuple(sorted(deployed.names.workers)))
            run.wait_for_more(_MORE)
        finally:
            deployed[name].resume()
        wait_until_serving(deployed, deployed.names.agents)
        _wait_for_help_of(run, name)


def test_nothing_is_lost_as_a_workers_cable_is_pulled(
    deployed: Fleet, reference: Reference
) -> None:
    name = deployed.names.workers[-1]
    others = tuple(each for each in deployed.names.agents if each != name)
    with traffic(deployed, reference) as run:
        deployed[name].disconnect()
        try:
            wait_until_serving(deployed, others)
            run.wait_for_more(_MORE)
        finally:
            deployed[name].reconnect()
        wait_until_serving(deployed, deployed.names.agents)
        _wait_for_help_of(run, name)
