"""What the model has not: access control, encryption, sockets, and callers in a hurry."""

import queue
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid.bus import (
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    LinkOptions,
    Message,
    Opened,
    Subscription,
)
from fluid.bus.mqtt import BrokerAddress, Credentials, MqttBus
from fluid.bus.mqtt.backlog import MOST_CALLS
from fluid.bus.protocol import REASON_NO_MATCHING_SUBSCRIBERS, REASON_PACKET_TOO_LARGE
from fluid.errors import CredentialsError
from tests.integration.bus.private import private_mosquitto
from tests.integration.bus.proxy import Proxy
from tests.recorder import Recorder


def open_at(address: BrokerAddress, client_id: str = "client") -> Recorder:
    return Recorder(MqttBus(address), LinkOptions(client_id))


@pytest.fixture(scope="module")
def guarded_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A broker that lets `pi` write and read below allowed/, and nobody else do anything."""
    folder = tmp_path_factory.mktemp("access")
    passwords, rights = folder / "passwords", folder / "rights"
    command = ["mosquitto_passwd", "-b", "-c", str(passwords), "pi", "sec:ret/@"]
    subprocess.run(command, check=True)
    rights.write_text("user pi\ntopic readwrite allowed/#\n", encoding="utf-8")
    options = {
        "allow_anonymous": "false",
        "password_file": str(passwords),
        "acl_file": str(rights),
        # Mosquitto 2.0.11 disconnects whom it denies a publication, if this is 0.
        "max_queued_messages": "1000",
    }
    with private_mosquitto(folder, options) as port:
        yield port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that vouches for itself and for 127.0.0.1; its key lies next to it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=fluid", "-addext",
            "subjectAltName=IP:127.0.0.1", "-keyout", "tls.key", "-out", "tls.crt",
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "tls.crt"


@pytest.fixture(scope="module")
def tls_url(certificate: Path) -> Iterator[str]:
    key = certificate.with_suffix(".key")
    options = {"certfile": str(certificate), "keyfile": str(key)}
    with private_mosquitto(certificate.parent, options) as port:
        yield f"mqtts://127.0.0.1:{port}"


class TestAccess:
    @pytest.mark.parametrize("user", ["", "pi:wrong@", "nobody:sec@"])
    def test_wrong_credentials_are_refused(self, guarded_port: int, user: str) -> None:
        closed = open_at(BrokerAddress.parse(f"mqtt://{user}127.0.0.1:{guarded_port}")).closed()
        assert closed == Closed(
            CloseReason.REFUSED,
            f"mqtt://127.0.0.1:{guarded_port} refused client 'client': Not authorized; "
            "check the user, the password, and that the port is the one for them",
        )

    def test_rights_decide_what_is_accepted(self, guarded_port: int) -> None:
        address = BrokerAddress.parse(f"mqtt://pi:sec%3Aret%2F%40@127.0.0.1:{guarded_port}")
        client = open_at(address)
        client.opened()
        assert client.subscribe(Subscription("allowed/x")).accepted
        not_authorised = 0x87
        denied = client.publish(Message("denied/x", b"", qos=1))
        assert denied.reason == not_authorised
        assert not denied.accepted
        assert client.publish(Message("allowed/x", b"yes", qos=1)).reason == 0
        assert client.payloads(1) == [b"yes"]


class TestEncryption:
    def test_messages_of_any_size_pass(self, tls_url: str, certificate: Path) -> None:
        client = Recorder(
            MqttBus(BrokerAddress.parse(tls_url), Credentials(certificate)), LinkOptions("client")
        )
        client.opened()
        client.subscribe(Subscription("x"))
        payloads = [secrets.token_bytes(size) for size in (0, 1, 16_384, 3_000_000)]
        for payload in payloads:
            client.link.publish(Message("x", payload, qos=1))
        assert client.payloads(len(payloads)) == payloads
        client.link.close()
        assert client.closed() == Closed(CloseReason.REQUESTED)

    def test_a_broker_of_an_unknown_authority_is_refused(self, tls_url: str) -> None:
        closed = open_at(BrokerAddress.parse(tls_url)).closed()
        assert closed.reason is CloseReason.REFUSED
        assert closed.detail.startswith(f"{tls_url} has an untrusted certificate: self-signed")

    def test_a_broker_without_encryption_is_unreachable(self, mosquitto: LocalBroker) -> None:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        assert open_at(BrokerAddress.parse(url)).closed().reason is CloseReason.UNREACHABLE

    def test_an_authority_file_that_is_not_there_raises(self, tmp_path: Path) -> None:
        address = BrokerAddress.parse("mqtts://127.0.0.1")
        with pytest.raises(CredentialsError, match=r"none\.crt: no such file"):
            MqttBus(address, Credentials(tmp_path / "none.crt"))


class TestLargeMessages:
    def test_what_the_broker_would_not_take_costs_no_connection(self, tmp_path: Path) -> None:
        with private_mosquitto(tmp_path, {"max_packet_size": "1000"}) as port:
            client = open_at(BrokerAddress("127.0.0.1", port))
            client.opened()
            client.subscribe(Subscription("x"))
            for size in (1000, 100_000):
                refused = client.publish(Message("x", bytes(size), qos=1))
                assert refused.reason == REASON_PACKET_TOO_LARGE
                assert not refused.accepted
            client.link.publish(Message("x", bytes(1000)))
            head_bytes = 1 + 2 + 2 + 1 + 2 + 1  # type, length, topic, packet identifier, properties
            largest = bytes(1000 - head_bytes)
            assert client.publish(Message("x", largest, qos=1)).reason == 0
            assert client.payloads(1) == [largest]


class TestLoad:
    @pytest.fixture
    def address(self, mosquitto: LocalBroker) -> BrokerAddress:
        return BrokerAddress.parse(mosquitto.url)

    def test_publications_beyond_the_brokers_window_all_arrive(self, tmp_path: Path) -> None:
        with private_mosquitto(tmp_path, {"max_inflight_messages": "5"}) as port:
            client = open_at(BrokerAddress("127.0.0.1", port))
            client.opened()
            client.subscribe(Subscription("x"))
            for number in range(500):
                client.link.publish(Message("x", str(number).encode(), qos=1), token=number)
            assert client.payloads(500) == [str(number).encode() for number in range(500)]
            assert [client.confirmed() for _ in range(500)] == [Confirmed(n) for n in range(500)]

    def test_all_that_was_published_before_close_arrives(self, address: BrokerAddress) -> None:
        """Though the link is flooded: a reset would lose it, and publish the will."""
        topic, will = secrets.token_hex(4), Message(secrets.token_hex(4), b"", qos=1)
        watcher = open_at(address, "watcher")
        watcher.opened()
        watcher.subscribe(Subscription(topic), Subscription(will.topic))
        client = Recorder(MqttBus(address), LinkOptions("client", will=will))
        client.opened()
        client.subscribe(Subscription(topic))
        for _ in range(2000):
            client.link.publish(Message(topic, bytes(200)))
        for _ in range(200):
            client.link.publish(Message(topic, bytes(200), qos=1))
        client.link.close()
        assert client.closed() == Closed(CloseReason.REQUESTED)
        arrived = [each.message.topic for each in watcher.all_until_now()]
        assert arrived == [topic] * 2200

    def test_answers_reach_the_call_that_asked_from_any_thread(
        self, address: BrokerAddress
    ) -> None:
        client = open_at(address, "threads")
        client.opened()
        topic = secrets.token_hex(4)
        client.subscribe(Subscription(f"{topic}/even"))

        def publish(first: int) -> None:
            for token in range(first, first + 300):
                name = "odd" if token % 2 else "even"
                client.link.publish(Message(f"{topic}/{name}", b"", qos=1), token=token)

        threads = [
            threading.Thread(target=publish, args=(first,), daemon=True)
            for first in (0, 300, 600, 900)
        ]
        for thread in threads:
            thread.start()
        answers = [client.confirmed() for _ in range(1200)]
        for thread in threads:
            thread.join()
        nobody = REASON_NO_MATCHING_SUBSCRIBERS
        assert {answer.token: answer.reason for answer in answers} == {
            token: nobody if token % 2 else 0 for token in range(1200)
        }

    def test_calls_race_with_the_end_of_the_connection_without_harm(self) -> None:
        with LocalBroker() as broker:
            client = open_at(BrokerAddress.parse(broker.url))
            assert client.opened() == Opened(session_present=False)
            ended = threading.Event()

            def publish() -> None:
                while not ended.is_set():
                    client.link.publish(Message("x", b"", qos=1), token=1)
                    client.link.ack(1)
                    client.link.subscribe([Subscription("y")], token=1)

            thread = threading.Thread(target=publish, daemon=True)
            thread.start()
            try:
                # Heard although the thread never pauses: it must not keep the link from reading.
                client.confirmed()
                broker.stop()
                while not isinstance(event := client.next(), Closed):
                    assert not isinstance(event, Delivered)
            finally:
                ended.set()
                thread.join()
        assert event.reason is CloseReason.LOST
        assert client.is_quiet()


class TestSlowBroker:
    """One that takes nothing: the proxy in front of it forwards no bytes."""

    @pytest.fixture
    def stalled(self, mosquitto: LocalBroker) -> Iterator[Callable[[int], Recorder]]:
        port = BrokerAddress.parse(mosquitto.url).port
        proxies = []

        def connect(backlog_bytes: int) -> Recorder:
            proxies.append(proxy := Proxy(port))
            options = LinkOptions("slow", keepalive_s=60, backlog_bytes=backlog_bytes)
            client = Recorder(MqttBus(BrokerAddress("127.0.0.1", proxy.port)), options)
            client.opened()
            proxy.hold()
            return client

        yield connect
        for proxy in proxies:
            proxy.close()

    def test_a_link_ends_as_lost_before_it_keeps_too_much(
        self, stalled: Callable[[int], Recorder]
    ) -> None:
        client = stalled(1_000_000)
        for _ in range(110):
            client.link.publish(Message("x", bytes(10_000), qos=1), token=1)
        closed = client.closed()
        assert closed.reason is CloseReason.LOST
        assert "is too slow: 100 calls with 100" in closed.detail

    def test_calls_are_counted_too(self, stalled: Callable[[int], Recorder]) -> None:
        client = stalled(100_000_000)
        for _ in range(MOST_CALLS + 1):
            client.link.publish(Message("x", b"", qos=1))
        assert f"is too slow: {MOST_CALLS} calls" in client.closed().detail

    def test_messages_at_qos_0_give_way_first(
        self, stalled: Callable[[int], Recorder], caplog: pytest.LogCaptureFixture
    ) -> None:
        client = stalled(50_000_000)
        for _ in range(26):
            client.link.publish(Message("x", bytes(1_000_000), qos=1), token=1)
        for _ in range(500):
            client.link.publish(Message("x", bytes(1_000_000)))
        client.link.close()
        assert client.closed() == Closed(CloseReason.REQUESTED)
        assert "500 messages at QoS 0 were dropped" in caplog.text

    def test_a_link_whose_sink_fails_says_that_it_has_ended(
        self, mosquitto: LocalBroker, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard: queue.SimpleQueue[object] = queue.SimpleQueue()

        def sink(event: object) -> None:
            if isinstance(event, Opened):
                raise LookupError("a bug")
            heard.put(event)

        MqttBus(BrokerAddress.parse(mosquitto.url)).open(LinkOptions("failing"), sink)
        assert heard.get(timeout=30.0) == Closed(
            CloseReason.LOST, "the thread of the link failed: LookupError('a bug')"
        )
        assert "Traceback" in caplog.text
