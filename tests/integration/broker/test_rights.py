"""What each name may do at a Mosquitto with the files that we ship: the table, row by row."""

import re
from collections.abc import Iterator

import pytest

from tests.integration.broker.authority import Authority
from tests.integration.broker.secured import SecuredBroker
from tests.processes import wait_until
from tests.rights.session import Credentials, Refused, Session
from tests.rights.table import (
    ALLOWED_HEARINGS,
    ALLOWED_PUBLICATIONS,
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

pytestmark = pytest.mark.secured

NAMES = Names()
DENIED = 0x87  # MQTT 5, section 3.4.2.1: not authorized


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    users = {name: f"{name}'s password" for name in ("alice", "bob", "operator", "homeassistant")}
    with SecuredBroker(tmp_path_factory.mktemp("broker"), users=users) as broker:
        yield broker


@pytest.fixture(scope="module")
def known(broker: SecuredBroker, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """After this the broker has started again with a list that names a revoked device."""
    foreign = Authority(tmp_path_factory.mktemp("foreign") / "authority")
    revoked = broker.device("pi-9")
    with Session(revoked):
        pass
    broker.revoke("pi-9")
    broker.restart()
    return Known(
        requester=broker.user(NAMES.requester),
        device=broker.device(NAMES.device),
        foreign=foreign.issue(NAMES.device),
        broker=broker.certificate,
        revoked=revoked,
    )


def _name(who: Who) -> str:
    return {
        Who.DEVICE: NAMES.device,
        Who.REQUESTER: NAMES.requester,
        Who.OPERATOR: NAMES.operator,
    }[who]


def _credentials(broker: SecuredBroker, who: Who) -> Credentials:
    name = _name(who)
    return broker.device(name) if who is Who.DEVICE else broker.user(name)


def _heard(broker: SecuredBroker, hearing: Hearing) -> list[tuple[str, bytes]]:
    """What comes to who subscribes, until a message to itself says that all has come."""
    end = f"fluid/result/{_name(hearing.who)}/end"
    topic = hearing.topic_for(NAMES)
    with (
        Session(_credentials(broker, hearing.who)) as hearer,
        Session(_credentials(broker, hearing.publisher)) as publisher,
    ):
        assert hearer.subscribe(topic, end) < 0x80
        assert publisher.publish(topic, b"heard") < 0x80
        assert hearer.publish(end) < 0x80
        return hearer.messages_until(end)


@pytest.mark.parametrize("action", DENIED_PUBLICATIONS, ids=str)
def test_it_refuses(broker: SecuredBroker, action: Publication) -> None:
    with Session(_credentials(broker, action.who)) as session:
        assert session.publish(action.topic_for(NAMES), retain=action.retain) == DENIED


@pytest.mark.parametrize("hearing", DENIED_HEARINGS, ids=str)
def test_it_withholds(broker: SecuredBroker, hearing: Hearing) -> None:
    assert _heard(broker, hearing) == []


@pytest.mark.parametrize("action", ALLOWED_PUBLICATIONS, ids=str)
def test_it_lets(broker: SecuredBroker, action: Publication) -> None:
    with Session(_credentials(broker, action.who)) as session:
        topic = action.topic_for(NAMES)
        assert session.publish(topic, retain=action.retain) < 0x80
        if action.retain:
            session.publish(topic, b"", retain=True)


@pytest.mark.parametrize("hearing", ALLOWED_HEARINGS, ids=str)
def test_it_delivers(broker: SecuredBroker, hearing: Hearing) -> None:
    assert _heard(broker, hearing) == [(hearing.topic_for(NAMES), b"heard")]


@pytest.mark.parametrize(
    ("topic", "is_allowed"),
    [
        ("homeassistant/status", True),
        ("homeassistant/device/fluid-pi-1/config", True),
        ("fluid/mode/set", True),
        ("fluid/presence/pi-1", False),
        ("fluid/state/pi-1", False),
        ("fluid/cluster", False),
    ],
)
def test_home_assistant_may_write_its_own_tree_and_the_mode(
    *, broker: SecuredBroker, topic: str, is_allowed: bool
) -> None:
    with Session(broker.user("homeassistant")) as session:
        assert (session.publish(topic) != DENIED) is is_allowed


def test_home_assistant_reads_what_it_shows_and_no_request(broker: SecuredBroker) -> None:
    shown = ["fluid/cluster", "fluid/presence/pi-1", "fluid/state/pi-1"]
    hidden = ["fluid/infer/homeassistant/1", "fluid/result/alice/1", "fluid/heartbeat/pi-1"]
    with (
        Session(broker.user("homeassistant")) as home,
        Session(broker.device("pi-1")) as device,
    ):
        home.subscribe("#")
        for topic in (*hidden, *shown):
            device.publish(topic)
        home.publish("homeassistant/end")
        heard = home.messages_until("homeassistant/end")
    assert [topic for topic, _ in heard] == shown


def test_a_device_hears_home_assistants_start(broker: SecuredBroker) -> None:
    with (
        Session(broker.user("homeassistant")) as home,
        Session(broker.device("pi-1")) as device,
    ):
        device.subscribe("homeassistant/status")
        home.publish("homeassistant/status", b"online")
        assert device.next_message() == ("homeassistant/status", b"online")


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
def test_it_takes_in_no(broker: SecuredBroker, known: Known, stranger: Stranger) -> None:
    before = len(broker.log)
    with pytest.raises(Refused), Session(stranger.credentials(known)):
        pass
    wait_until(
        lambda: re.search(stranger.says, broker.log[before:]) is not None,
        what=f"the log does not say why:\n{broker.log[before:]}",
    )


def test_a_revoked_certificate_shuts_out_no_other_device(known: Known) -> None:
    with Session(known.device) as session:
        assert session.publish("fluid/done") < 0x80
