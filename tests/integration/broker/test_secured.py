"""What agents and requesters do, in whole, at a Mosquitto with the files that we ship; and what
holds there where the rights alone would not."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.integration.broker.secured import SecuredBroker
from tests.rights.session import Refused, Session

pytestmark = pytest.mark.secured

SHARED = "$share/{}/fluid/infer/#"
SESSION_S = 3600
NO_SUBSCRIBERS = 0x10


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    users = {name: f"{name}'s password" for name in ("alice", "bob", "operator")}
    folder = tmp_path_factory.mktemp("broker")
    with SecuredBroker(folder, users=users, websockets=True) as broker:
        yield broker


@pytest.fixture
def alice(broker: SecuredBroker) -> Iterator[Session]:
    with Session(broker.user("alice")) as session:
        yield session


@pytest.fixture
def pi_1(broker: SecuredBroker) -> Iterator[Session]:
    with Session(broker.device("pi-1")) as session:
        yield session


def test_a_request_is_answered_to_its_requester_alone(
    broker: SecuredBroker, alice: Session, pi_1: Session
) -> None:
    with Session(broker.user("bob")) as bob:
        bob.subscribe("#")
        alice.subscribe("fluid/result/alice/#")
        pi_1.subscribe("fluid/infer/#")
        alice.publish("fluid/infer/alice/17", b"image")
        assert pi_1.next_message() == ("fluid/infer/alice/17", b"image")
        pi_1.publish("fluid/result/alice/17", b"seven")
        assert alice.next_message() == ("fluid/result/alice/17", b"seven")
        bob.publish("fluid/result/bob/end")
        assert bob.messages_until("fluid/result/bob/end") == []


def test_an_adopter_empties_and_ends_a_dead_device_s_session(
    broker: SecuredBroker, alice: Session, pi_1: Session
) -> None:
    """With its own certificate, and the dead device's client id."""
    share = SHARED.format("adoption")
    with Session(broker.device("pi-2"), client_id="fluid:pi-2", expiry_s=SESSION_S) as dead:
        dead.subscribe(share)
        dead.break_off()
    alice.publish("fluid/infer/alice/18", b"image")
    pi_1.subscribe("fluid/infer/#")
    with Session(broker.device("pi-1"), client_id="fluid:pi-2", expiry_s=SESSION_S) as adopted:
        assert adopted.session_present
        assert adopted.next_message() == ("fluid/infer/alice/18", b"image")
        adopted.unsubscribe(share)
        adopted.subscribe("fluid/adopt/pi-2")
        assert adopted.publish("fluid/infer/alice/18", b"image") < 0x80
        assert adopted.publish("fluid/adopt/pi-2", b"marker") < 0x80
        assert adopted.next_message() == ("fluid/adopt/pi-2", b"marker")
    assert pi_1.next_message() == ("fluid/infer/alice/18", b"image")
    assert pi_1.publish("fluid/attempt/pi-2", b"", retain=True) < 0x80


@pytest.mark.parametrize(("agent", "arrives"), [("pi-1", True), ("pi-2", False)])
def test_a_last_will_speaks_for_its_own_device_alone(
    broker: SecuredBroker,
    agent: str,
    arrives: bool,  # noqa: FBT001 - a row of the table
) -> None:
    will = (f"fluid/presence/{agent}", b"offline")
    with Session(broker.user("operator")) as operator:
        operator.subscribe("fluid/presence/+", "fluid/result/operator/end")
        with (
            Session(broker.device("pi-1"), client_id="will", will=will) as first,
            Session(broker.device("pi-1"), client_id="will"),  # its will is due before this opens
        ):
            assert first.wait_until_gone()
            operator.publish("fluid/result/operator/end")
            heard = operator.messages_until("fluid/result/operator/end")
    assert heard == ([will] if arrives else [])
    with Session(broker.device("pi-1")) as session:
        session.publish("fluid/presence/pi-1", b"", retain=True)


def test_requests_wait_for_a_device_that_is_away_while_the_broker_restarts(
    broker: SecuredBroker,
) -> None:
    """The rights of a session that nobody has resumed yet are those of its device."""
    with Session(broker.device("pi-3"), client_id="fluid:pi-3", expiry_s=SESSION_S) as away:
        away.subscribe("fluid/infer/#")
        away.break_off()
    broker.restart()
    with Session(broker.user("alice")) as alice:
        assert alice.publish("fluid/infer/alice/19", b"image") == 0
    with Session(broker.device("pi-3"), client_id="fluid:pi-3", expiry_s=SESSION_S) as back:
        assert back.session_present
        assert back.next_message() == ("fluid/infer/alice/19", b"image")
        back.unsubscribe("fluid/infer/#")


def test_retained_presence_outlives_a_restart_of_the_broker(broker: SecuredBroker) -> None:
    with Session(broker.device("pi-1")) as session:
        session.publish("fluid/presence/pi-1", b"online", retain=True)
    broker.restart()
    with Session(broker.user("operator")) as operator:
        operator.subscribe("fluid/presence/+")
        assert operator.next_message() == ("fluid/presence/pi-1", b"online")
    with Session(broker.device("pi-1")) as session:
        session.publish("fluid/presence/pi-1", b"", retain=True)


def test_who_shares_by_another_name_takes_no_request_away(
    broker: SecuredBroker, alice: Session, pi_1: Session
) -> None:
    with Session(broker.user("bob")) as bob:
        bob.subscribe(SHARED.format("fluid"))
        pi_1.subscribe(SHARED.format("only agents know"), "fluid/adopt/end")
        topics = [f"fluid/infer/alice/{number}" for number in range(10)]
        for topic in topics:
            alice.publish(topic)
        pi_1.publish("fluid/adopt/end")
        assert [topic for topic, _ in pi_1.messages_until("fluid/adopt/end")] == topics


def test_who_shares_by_the_agents_name_takes_requests_away_unheard(
    broker: SecuredBroker, alice: Session, pi_1: Session
) -> None:
    """A quirk of Mosquitto 2.0: rights are looked at when a message is given to a member of the
    share, and not when it joins. So the name of the agents' share must not be known."""
    with Session(broker.user("bob")) as bob:
        bob.subscribe(SHARED.format("known"))
        pi_1.subscribe(SHARED.format("known"), "fluid/adopt/end")
        assert {alice.publish("fluid/infer/alice/20") for _ in range(10)} == {0}
        pi_1.publish("fluid/adopt/end")
        assert len(pi_1.messages_until("fluid/adopt/end")) == 5


def test_what_an_old_protocol_cannot_be_told_is_refused_as_well(broker: SecuredBroker) -> None:
    """MQTT 3.1.1 has no word for it: the message is confirmed, and goes nowhere."""
    old = Session(broker.user("alice"), version=MQTTProtocolVersion.MQTTv311)
    with old, Session(broker.user("operator")) as operator:
        operator.subscribe("fluid/#")
        old.publish("fluid/cluster")
        old.publish("fluid/infer/alice/21")
        assert operator.next_message()[0] == "fluid/infer/alice/21"


def test_websockets_have_the_rights_of_requesters(broker: SecuredBroker) -> None:
    credentials = replace(broker.user("alice"), port=broker.websockets_port, websockets=True)
    with Session(credentials) as alice:
        assert alice.publish("fluid/infer/alice/22") == NO_SUBSCRIBERS
        assert alice.publish("fluid/cluster") == 0x87
    with pytest.raises(Refused), Session(replace(credentials, password="wrong")):  # noqa: S106
        pass


def test_a_packet_that_is_too_large_ends_its_connection_alone(
    broker: SecuredBroker, alice: Session, pi_1: Session
) -> None:
    with Session(broker.user("bob")) as bob:
        bob.send("fluid/infer/bob/1", bytes(11 * 1024 * 1024))
        assert bob.wait_until_gone()
    assert alice.publish("fluid/infer/alice/23") == NO_SUBSCRIBERS
