"""What the deployed cluster says of itself to an operator, over TLS."""

from collections.abc import Callable, Sequence

from fluid.bus.mqtt import BrokerAddress, MqttBus, credentials
from fluid.client import ClusterSnapshot, cluster_snapshot
from fluid.errors import BrokerError
from fluid.topics import Topics
from tests.fleet.fleet import OPERATOR, Fleet
from tests.processes import wait_until

_TIMEOUT_S = 180.0  # only to end a test; a reboot is in it
_HEARTBEATS_S = 1.5  # an emulated device under load is late with some


def snapshot(fleet: Fleet) -> ClusterSnapshot:
    """How it is now. Raises `BrokerError`."""
    bus = MqttBus(BrokerAddress.parse(fleet.url(OPERATOR)), credentials(fleet.ca_file))
    return cluster_snapshot(bus, Topics(), timeout_s=10.0, quiet_s=0.2, heartbeats_s=_HEARTBEATS_S)


def wait_until_cluster(fleet: Fleet, condition: Callable[[ClusterSnapshot], bool]) -> None:
    """Wait until it looks like that."""
    seen: list[ClusterSnapshot] = []

    def holds() -> bool:
        try:
            now = snapshot(fleet)
        except BrokerError:  # it restarts
            return False
        seen[:] = [now]
        return condition(now)

    try:
        wait_until(holds, timeout_s=_TIMEOUT_S, what="the cluster does not get there")
    except AssertionError as error:
        raise AssertionError(f"{error}; it was last seen as {seen}") from None


def wait_until_serving(fleet: Fleet, names: Sequence[str], *, digest: str = "") -> None:
    """Wait until exactly these devices are members, led by the first. digest: of their bundle."""

    def serving(now: ClusterSnapshot) -> bool:
        if now.state is None or now.state.leader != names[0]:
            return False
        if set(now.state.members) != set(names) or set(now.heartbeats) != set(names):
            return False
        return all(each.bundle.startswith(digest) for each in now.online)

    wait_until_cluster(fleet, serving)
