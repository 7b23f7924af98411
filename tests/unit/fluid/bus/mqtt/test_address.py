from pathlib import Path

import pytest

from fluid.bus.mqtt import BrokerAddress


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", BrokerAddress("broker", 1883)),
        ("mqtt://broker/", BrokerAddress("broker", 1883)),
        ("mqtt://broker:1884", BrokerAddress("broker", 1884)),
        ("mqtt://127.0.0.1:1", BrokerAddress("127.0.0.1", 1)),
        ("mqtt://[::1]:1883", BrokerAddress("::1", 1883)),
        ("mqtt://pi:secret@broker", BrokerAddress("broker", 1883, "pi", "secret")),
        ("mqtt://pi@broker", BrokerAddress("broker", 1883, "pi")),
        ("mqtt://p%40i:a%3Ab%2F@broker", BrokerAddress("broker", 1883, "p@i", "a:b/")),
        ("MQTT://Broker", BrokerAddress("broker", 1883)),
        ("mqtts://broker", BrokerAddress("broker", 8883, tls=True)),
        ("mqtts://broker:1883", BrokerAddress("broker", 1883, tls=True)),
    ],
)
def test_an_address_is_read(url: str, expected: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == expected


def test_a_certificate_authority_is_for_tls_only() -> None:
    authority = Path("ca.crt")
    assert BrokerAddress.parse("mqtts://broker", ca_file=authority).ca_file == authority
    with pytest.raises(ValueError, match="must begin with mqtts://"):
        BrokerAddress.parse("mqtt://broker", ca_file=authority)


@pytest.mark.parametrize(
    "url",
    [
        "", "broker", "broker:1883", "http://broker", "mqtt:broker", "mqtt://", "mqtt://:1883",
        "mqtt://broker:0", "mqtt://broker:65536", "mqtt://broker:port", "mqtt://broker/topic",
        "mqtt://broker?x=1", "mqtt://broker#x", "mqtt://[::1", f"mqtt://{'a' * 64}.de",
    ],
)  # fmt: skip
def test_a_bad_address_raises_one_line_that_names_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^broker address ") as raised:
        BrokerAddress.parse(url)
    assert url in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://pi:secret@b", "mqtt://pi:secret@b:port", "mqtt://pi:secret@b/x"]
)
def test_the_password_is_never_shown(url: str) -> None:
    with pytest.raises(ValueError, match="broker address") as raised:
        BrokerAddress.parse(url)
    assert "secret" not in str(raised.value)
    address = BrokerAddress.parse("mqtt://pi:secret@broker")
    assert "secret" not in f"{address} {address!r}"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (BrokerAddress("broker", 1883, "pi", "x"), "mqtt://broker:1883"),
        (BrokerAddress("::1", 8883, tls=True), "mqtts://[::1]:8883"),
    ],
)
def test_it_is_shown_as_it_is_written(address: BrokerAddress, text: str) -> None:
    assert str(address) == text
