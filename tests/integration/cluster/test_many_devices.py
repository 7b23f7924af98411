"""Any number of devices, started at once, are one cluster, and stay one when its leader dies."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid import FluidClient
from fluid.client import Backoff, ClusterSnapshot, ResendPolicy
from fluid.messages import Mode
from tests.integration.harness.cluster import TOGETHER
from tests.integration.harness.fleet import Fleet
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle

pytestmark = pytest.mark.devices

IMAGES = 200
SIZES = (1, 2, 3, 4, 8)
MODES = (Mode.HA, Mode.HT)
HALVES = {"lower50", "upper50"}
# A client that never asks again for want of an answer: what the cluster loses is lost.
NEVER = ResendPolicy(unanswered=Backoff(first_s=3600.0, greatest_s=3600.0))


@pytest.fixture(scope="module")
def fleet(
    request: pytest.FixtureRequest, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """So many agents as the test asks for; all tests of a number share them."""
    size: int = request.param
    folder = tmp_path_factory.mktemp(f"{size}-agents")
    with (
        LocalBroker(persistence=True) as broker,
        Fleet(broker, size, bundle=bundle_folder, folder=folder) as fleet,
    ):
        yield fleet


@pytest.fixture
def client(fleet: Fleet) -> Iterator[FluidClient]:
    with FluidClient(fleet.broker.url, resend=NEVER) as client:
        yield client


def _is_in_order(snapshot: ClusterSnapshot, members: Sequence[str]) -> bool:
    """Whether all follow the best of `members` in one term, and are spread evenly over the slots:
    none is empty if there are enough, and none has two holders more than another."""
    state = snapshot.state
    if state is None:
        return False
    online = [each for each in snapshot.online if each.agent in members]
    holders = [len(agents) for agents in state.placement.values()]
    return (
        {(each.leader, each.term) for each in online} == {(members[0], state.term)}
        and {each.agent for each in online} == set(state.members) == set(members)
        and sorted(agent for agents in state.placement.values() for agent in agents)
        == sorted(members)
        and max(holders) - min(holders) <= 1
    )


def _settle(fleet: Fleet, mode: Mode, members: Sequence[str] = ()) -> None:
    members = members or fleet.names
    fleet.wait_until_formed(mode, members=members)
    fleet.wait_until(
        lambda snapshot: _is_in_order(snapshot, members),
        f"{members} do not agree on leader and term, or are not spread evenly",
    )


def _expect_answers(
    fleet: Fleet, oracle: Oracle, mode: Mode, *, members: Sequence[str] = ()
) -> None:
    """Each image is answered once, rightly, by as much of the network as there is, and each
    device does its part."""
    members = members or fleet.names
    with FluidClient(fleet.broker.url, resend=NEVER) as client:
        answers = list(client.infer_many(oracle.image(index) for index in range(IMAGES)))
        statistics = client.statistics
    assert (statistics.answered, statistics.duplicates, statistics.resent) == (IMAGES, 0, 0)
    results = [answer.result() for answer in answers]
    assert len({answer.id for answer in answers}) == len(answers) == IMAGES
    for index, result in enumerate(results):
        oracle.check(result, index)
    assert {(result.mode, result.degraded) for result in results} == {(mode, False)}
    assert {device for result in results for device in result.devices} == set(members)
    subnetworks = {result.subnetwork for result in results}
    if len(members) == 1:
        assert len(subnetworks) == 1
        assert subnetworks < HALVES
    else:
        assert subnetworks == ({TOGETHER} if mode is Mode.HA else HALVES)


@pytest.mark.parametrize("fleet", SIZES, indirect=True)
def test_devices_started_at_once_agree_and_cover_the_slots_evenly(fleet: Fleet) -> None:
    _settle(fleet, Mode.HA)


@pytest.mark.parametrize("fleet", SIZES, indirect=True)
@pytest.mark.parametrize("mode", MODES)
def test_each_image_is_answered_once_and_rightly(fleet: Fleet, oracle: Oracle, mode: Mode) -> None:
    _settle(fleet, mode)
    _expect_answers(fleet, oracle, mode)


@pytest.mark.parametrize("fleet", SIZES[1:], indirect=True)
@pytest.mark.parametrize("mode", MODES)
def test_the_next_one_leads_when_the_leader_is_killed_until_it_returns(
    fleet: Fleet, client: FluidClient, oracle: Oracle, mode: Mode
) -> None:
    _settle(fleet, mode)
    leader, *others = fleet.names
    with Load(client, oracle):  # fails unless each request is answered, rightly
        fleet[leader].kill()
        _settle(fleet, mode, others)
    _expect_answers(fleet, oracle, mode, members=others)
    with Load(client, oracle):
        fleet[leader].start()
        _settle(fleet, mode)
    _expect_answers(fleet, oracle, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_single_survivor_with_room_serves_the_whole_network_until_the_other_returns(
    bundle_folder: Path, oracle: Oracle, tmp_path: Path, mode: Mode
) -> None:
    with (
        LocalBroker(persistence=True) as broker,
        Fleet(broker, 2, bundle=bundle_folder, folder=tmp_path, options=["--max-slots=2"]) as fleet,
        FluidClient(broker.url, resend=NEVER) as client,
    ):
        _settle(fleet, mode)
        placement = _placement(fleet)
        leader, survivor = fleet.names
        with Load(client, oracle) as load:
            fleet[leader].kill()
            fleet.wait_until_formed(mode, members=(survivor,))
            assert _placement(fleet) == dict.fromkeys(placement, (survivor,))
            mark = load.mark()
            load.wait_for_more(IMAGES)
            answered = {(each.subnetwork, each.devices) for each in load.results_since(mark)}
            assert answered == {(TOGETHER, (survivor,))}
            fleet[leader].start()
            _settle(fleet, mode)
        assert _placement(fleet) == placement
        _expect_answers(fleet, oracle, mode)


def _placement(fleet: Fleet) -> dict[str, tuple[str, ...]]:
    state = fleet.snapshot().state
    assert state is not None
    return dict(state.placement)
