from pathlib import Path

import pytest

from fluid.bus.mqtt import BrokerAddress, Credentials, MqttBus, parse_addresses


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


def test_certificate_files_are_for_tls_only() -> None:
    files = Credentials(Path("ca.crt"))
    with pytest.raises(ValueError, match="must begin with mqtts://"):
        MqttBus(BrokerAddress.parse("mqtt://broker"), files)


@pytest.mark.parametrize(
    "url",
    [
        "", "broker", "broker:1883", "http://broker", "mqtt:broker", "mqtt://", "mqtt://:1883",
        "mqtt://broker:0", "mqtt://broker:65536", "mqtt://broker:port", "mqtt://broker/topic",
        "mqtt://broker?x=1", "mqtt://broker#x", "mqtt://[::1", f"mqtt://{'a' * 64}.de",
        "mqtt://a,b", "mqtt://a,", "mqtt://a,b:1883",
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


@pytest.mark.parametrize(
    "urls",
    [
        "mqtt://hall,mqtts://pi:secret@attic:1",
        " mqtt://hall , MQTTS://pi:secret@attic:1 ",
        ["mqtt://hall", "mqtts://pi:secret@attic:1"],
        ("mqtt://hall,mqtts://pi:secret@attic:1",),
    ],
)
def test_several_addresses_are_read_in_their_order(urls: str | list[str]) -> None:
    assert parse_addresses(urls) == (
        BrokerAddress("hall", 1883),
        BrokerAddress("attic", 1, "pi", "secret", tls=True),
    )


def test_a_password_may_have_commas() -> None:
    (hall, attic) = parse_addresses("mqtt://pi:a,b@hall,mqtt://pi:,@attic")
    assert (hall.password, attic.password) == ("a,b", ",")


@pytest.mark.parametrize(
    ("urls", "complaint"),
    [
        ([], "no broker address is given"),
        (" ", "no broker address is given"),
        ("a,mqtt://b", "must begin with mqtt://"),
        ("mqtt://a,mqtt://b,mqtt://a", "broker address 'mqtt://a:1883' is given twice"),
        (["mqtt://a", "mqtts://u:secret@A:1883"], "broker address 'mqtts://a:1883' is given twice"),
        ("mqtt://a,http://b", "broker address"),
        ("mqtt://u:secret@a,b", "has a comma that no mqtt:// or mqtts:// follows"),
    ],
)
def test_addresses_that_cannot_be_used_together_raise_one_line(
    urls: str | list[str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint) as raised:
        parse_addresses(urls)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_bus_goes_by_its_brokers_address() -> None:
    assert str(MqttBus(BrokerAddress.parse("mqtt://pi:secret@hall"))) == "mqtt://hall:1883"
