"""Another bundle goes to one device after the other while requests come in, and back again."""

import pytest

from tests.fleet.conftest import Bundles
from tests.fleet.fleet import Fleet
from tests.fleet.reference import Reference
from tests.fleet.stream import traffic
from tests.fleet.watch import wait_until_serving

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(1800)]

_MORE = 20


def test_nothing_is_lost_as_a_new_bundle_is_rolled_out(
    deployed: Fleet, reference: Reference, bundles: Bundles
) -> None:
    newer = deployed.write_inventory(
        deployed.folder / "newer", variables={"fluid_bundle": str(bundles.second_folder)}
    )
    with traffic(deployed, reference) as run:
        rollout = deployed.playbooks.run("deploy.yml", newer, "--tags", "bundle")
        rollout.expect_success()
        wait_until_serving(deployed, deployed.names.agents, digest=bundles.second.digest)
        mark = run.mark()
        run.wait_for_more(_MORE)
    late = {record.bundle for record in run.records[mark + _MORE // 2 :]}
    assert late == {bundles.second.digest[:12]}


def test_nothing_is_lost_as_the_bundle_before_is_brought_back(
    deployed: Fleet, reference: Reference, bundles: Bundles
) -> None:
    with traffic(deployed, reference) as run:
        deployed.playbooks.run("rollback.yml", deployed.inventory).expect_success()
        wait_until_serving(deployed, deployed.names.agents, digest=bundles.first.digest)
        mark = run.mark()
        run.wait_for_more(_MORE)
    late = {record.bundle for record in run.records[mark + _MORE // 2 :]}
    assert late == {bundles.first.digest[:12]}
