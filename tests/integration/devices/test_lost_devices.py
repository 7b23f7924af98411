"""Two devices, each with a broker and an agent: either may be lost with all that is on it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid import FluidClient
from fluid.client import Backoff, ResendPolicy
from fluid.messages import Mode
from tests.integration.devices.lan import Device, Lan, NoNamespacesError
from tests.integration.harness.agents import AgentProcess
from tests.integration.harness.cluster import MASTER, WORKER, Cluster
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle

pytestmark = pytest.mark.devices

ANSWERING = {Mode.HA: (MASTER, WORKER), Mode.HT: (MASTER,)}


@dataclass(frozen=True)
class Pi:
    """A device with a broker and an agent on it."""

    device: Device
    broker: LocalBroker
    agent: AgentProcess

    def boot(self) -> None:
        self.device.plug_in()
        with self.device.inside():
            self.broker.start()
            self.agent.start()

    def crash(self) -> None:
        """All its processes end at once; its kernel lives on and closes their connections."""
        self.broker.kill()
        self.agent.kill()

    def lose_power(self) -> None:
        """All ends at once, and no connection to it is closed."""
        self.device.unplug()
        self.crash()


@dataclass(frozen=True)
class Loss:
    """A way to lose a device, and how it comes back."""

    name: str
    happens: Callable[[Pi], None]
    is_mended: Callable[[Pi], None]


CRASH = Loss("crash", Pi.crash, Pi.boot)
POWER_CUT = Loss("power cut", Pi.lose_power, Pi.boot)
# Both devices live on, each at its own broker.
CABLE_OUT = Loss("cable out", lambda pi: pi.device.unplug(), lambda pi: pi.device.plug_in())
CASES = [
    (CRASH, Mode.HA),
    (CRASH, Mode.HT),
    (POWER_CUT, Mode.HA),
    (POWER_CUT, Mode.HT),
    (CABLE_OUT, Mode.HA),
]


@pytest.fixture
def lan() -> Iterator[Lan]:
    """Two devices for the cluster, and one that this process is on: the client's."""
    lan = Lan(3)
    try:
        lan.__enter__()
    except NoNamespacesError as error:
        pytest.skip(str(error))
    with ExitStack() as stack:
        stack.push(lan)
        stack.enter_context(lan.devices[2].inside())
        yield lan


@pytest.fixture
def brokers(lan: Lan) -> Iterator[list[LocalBroker]]:
    """The preferred one and the fallback; they do not run yet."""
    with ExitStack() as stack:
        brokers = []
        for device in lan.devices[:2]:
            broker = LocalBroker(persistence=True, host=device.address, port=1883)
            stack.callback(broker.close)
            brokers.append(broker)
        yield brokers


@pytest.fixture
def cluster(brokers: list[LocalBroker], bundle_folder: Path, tmp_path: Path) -> Iterator[Cluster]:
    preferred, fallback = brokers
    with Cluster(preferred, bundle=bundle_folder, folder=tmp_path, fallbacks=[fallback]) as cluster:
        yield cluster


@pytest.fixture
def pis(lan: Lan, brokers: list[LocalBroker], cluster: Cluster) -> dict[str, Pi]:
    """By their agents. They run."""
    agents = (MASTER, WORKER)
    pis = {
        name: Pi(device, broker, cluster[name])
        for name, device, broker in zip(agents, lan.devices, brokers, strict=False)
    }
    for pi in pis.values():
        pi.boot()
    return pis


@pytest.fixture
def client(cluster: Cluster) -> Iterator[FluidClient]:
    """A client that asks again only where a link was lost: what the cluster loses is lost."""
    never = Backoff(first_s=3600.0, greatest_s=3600.0)
    with FluidClient(cluster.urls, resend=ResendPolicy(unanswered=never)) as client:
        yield client


@pytest.mark.parametrize(
    ("loss", "mode"), [pytest.param(*case, id=f"{case[0].name}-{case[1]}") for case in CASES]
)
def test_losing_either_device_with_its_broker_loses_no_request(
    pis: dict[str, Pi],
    cluster: Cluster,
    client: FluidClient,
    oracle: Oracle,
    loss: Loss,
    mode: Mode,
    record_property: Callable[[str, object], None],
) -> None:
    """Of the gaps there is no promise, as the machine may be busy: they are told, not judged."""
    cluster.wait_until_formed(mode)
    with Load(client, oracle) as load:
        for lost, survivor in ((MASTER, WORKER), (WORKER, MASTER)):
            answered = load.answered
            loss.happens(pis[lost])
            cluster.look_at(pis[survivor].broker)
            cluster.wait_until_alone(survivor)
            load.wait_for_answer_by((survivor,))
            gap_s = load.longest_gap_s(answered - 1)
            record_property(f"longest gap after the loss of {lost}", gap_s)
            print(f"{loss.name} of the {lost} in {mode}: {gap_s:.2f} s without an answer")

            loss.is_mended(pis[lost])
            cluster.look_at(pis[MASTER].broker)
            cluster.wait_until_formed(mode)
            load.wait_for_answer_by(ANSWERING[mode])
        results = load.finish()
    assert {result.mode for result in results} == {mode}
