"""The table of rights at the deployed broker: what each credential must not do is refused."""

import re

import pytest

from tests.fleet.device import POLL_S
from tests.fleet.fleet import OPERATOR, OTHER_REQUESTER, REQUESTER, Fleet
from tests.fleet.pki import agent_credentials, device_credentials, issue, user_credentials
from tests.integration.broker.authority import Authority
from tests.processes import wait_until
from tests.rights.session import Credentials, Refused, Session
from tests.rights.table import (
    DENIED_HEARINGS,
    DENIED_PUBLICATIONS,
    STRANGERS,
    Hearing,
    Known,
    Names,
    Publication,
    Stranger,
    Who,
)

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(1200)]

_DENIED = 0x87  # MQTT 5, section 3.4.2.1: not authorized
# A name that the authority knows and no device has: what it says upsets nobody who serves.
_SPARE = "spare"
_LOG = "/var/log/mosquitto/mosquitto.log"
# Nothing is revoked here yet: see test_revocation.py.
_STRANGERS = [each for each in STRANGERS if "revoked" not in each.name]

Credential = dict[Who, Credentials]


@pytest.fixture(scope="module")
def names(deployed: Fleet) -> Names:
    return Names(
        device=_SPARE,
        other_device=deployed.names.workers[0],
        requester=REQUESTER,
        other_requester=OTHER_REQUESTER,
        operator=OPERATOR,
    )


@pytest.fixture(scope="module")
def credentials(deployed: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Credential:
    spare = issue(deployed, _SPARE, tmp_path_factory.mktemp("spare"))
    return {
        Who.DEVICE: device_credentials(deployed, *spare),
        Who.REQUESTER: user_credentials(deployed, REQUESTER),
        Who.OPERATOR: user_credentials(deployed, OPERATOR),
    }


@pytest.fixture(scope="module")
def known(
    deployed: Fleet, credentials: Credential, tmp_path_factory: pytest.TempPathFactory
) -> Known:
    name = deployed.names.workers[0]
    foreign = Authority(tmp_path_factory.mktemp("foreign") / "authority")
    device = agent_credentials(deployed, name)
    own = deployed.pki / "brokers" / deployed.broker.name
    return Known(
        requester=credentials[Who.REQUESTER],
        device=device,
        foreign=foreign.issue(name),
        broker=(own.with_suffix(".crt"), own.with_suffix(".key")),
        revoked=device,
    )


@pytest.mark.parametrize("action", DENIED_PUBLICATIONS, ids=str)
def test_it_refuses(credentials: Credential, names: Names, action: Publication) -> None:
    with Session(credentials[action.who]) as session:
        assert session.publish(action.topic_for(names), retain=action.retain) == _DENIED


@pytest.mark.parametrize("hearing", DENIED_HEARINGS, ids=str)
def test_it_withholds(credentials: Credential, names: Names, hearing: Hearing) -> None:
    topic = hearing.topic_for(names)
    own = {Who.DEVICE: names.device, Who.REQUESTER: names.requester, Who.OPERATOR: names.operator}
    end = f"{names.base}/result/{own[hearing.who]}/end"
    with (
        Session(credentials[hearing.who]) as hearer,
        Session(credentials[hearing.publisher]) as publisher,
    ):
        assert hearer.subscribe(topic, end) < 0x80
        assert publisher.publish(topic, b"heard") < 0x80
        assert hearer.publish(end) < 0x80
        assert hearer.messages_until(end) == []


@pytest.mark.parametrize("stranger", _STRANGERS, ids=str)
def test_it_takes_in_no(deployed: Fleet, known: Known, stranger: Stranger) -> None:
    def log() -> str:
        return deployed.broker.run(f"cat {_LOG}")

    before = len(log())
    with pytest.raises(Refused), Session(stranger.credentials(known)):
        pass
    wait_until(
        lambda: re.search(stranger.says, log()[before:]) is not None,
        what="the broker's log does not say why",
        poll_s=POLL_S,
    )


def test_a_device_of_the_fleet_cannot_speak_for_another(deployed: Fleet) -> None:
    first, second = deployed.names.workers[:2]
    with Session(agent_credentials(deployed, first)) as session:
        assert session.publish(f"fluid/presence/{second}", retain=True) == _DENIED
        assert session.publish(f"fluid/heartbeat/{second}") == _DENIED
