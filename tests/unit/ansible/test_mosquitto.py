import base64
import hashlib

import pytest

from tests.unit.ansible.loading import REPOSITORY, load

mosquitto = load("filter_plugins/fluid_mosquitto.py")

CLIENTS = {"camera": {"password": "a"}, "door": {"password": "a"}, "boss": {"password": "b"}}
ACL = "pattern write fluid/infer/#\n# of fluid/x\n\nuser operator\ntopic read fluid/#\n"


def test_a_password_is_hashed_as_mosquitto_reads_it() -> None:
    line = mosquitto.passwords({"camera": {"password": "secret"}}, "pepper", 500).strip()
    name, _, hashed = line.partition(":")
    empty, kind, rounds, salt, key = hashed.split("$")
    assert (name, empty, kind, rounds) == ("camera", "", "7", "500")
    assert len(base64.b64decode(salt)) == 12
    expected = hashlib.pbkdf2_hmac("sha512", b"secret", base64.b64decode(salt), 500)
    assert base64.b64decode(key) == expected


def test_the_same_users_give_the_same_file_in_any_order() -> None:
    backwards = dict(reversed(CLIENTS.items()))
    assert mosquitto.passwords(CLIENTS, "p", 10) == mosquitto.passwords(backwards, "p", 10)


def test_users_with_one_password_have_different_hashes() -> None:
    lines = mosquitto.passwords(CLIENTS, "p", 10).splitlines()
    assert len({line.partition(":")[2] for line in lines}) == 3


def test_the_salt_says_nothing_without_the_pepper() -> None:
    assert mosquitto.passwords(CLIENTS, "p", 10) != mosquitto.passwords(CLIENTS, "q", 10)


def test_another_base_topic_replaces_fluid_in_rules_only() -> None:
    assert mosquitto.acl(ACL, "home/fluid").splitlines() == [
        "pattern write home/fluid/infer/#",
        "# of fluid/x",
        "",
        "user operator",
        "topic read home/fluid/#",
    ]


def test_each_operator_gets_the_rights_of_the_example() -> None:
    clients = {"b": {"operator": True}, "a": {"operator": True}, "c": {}, "d": {"operator": False}}
    text = mosquitto.operators(ACL, clients)
    assert text.count("topic read fluid/#") == 2
    assert [line for line in text.splitlines() if line.startswith("user")] == ["user a", "user b"]


def test_without_operators_nobody_has_their_rights() -> None:
    assert "user" not in mosquitto.operators(ACL, CLIENTS)
    assert "topic read" not in mosquitto.operators(ACL, CLIENTS)


def test_a_file_without_the_example_is_refused() -> None:
    with pytest.raises(ValueError, match="user operator"):
        mosquitto.operators("pattern write fluid/infer/#\n", CLIENTS)


def test_options_are_replaced_where_they_stand() -> None:
    text = "# listener 8883\nlistener 8883\nmax 1\nlistener 8884\n"
    assert mosquitto.configuration(text, {"listener 8884": 9999, "max": 2}) == (
        "# listener 8883\nlistener 8883\nmax 2\nlistener 9999\n"
    )


def test_names_and_addresses_are_told_apart_and_said_once() -> None:
    names = ["pi.local", "192.168.1.2", "fe80::1", "pi.local"]
    assert mosquitto.alt_names(names) == ["DNS:pi.local", "IP:192.168.1.2", "IP:fe80::1"]


def test_an_address_with_colons_is_bracketed() -> None:
    assert mosquitto.broker_url("fe80::1", 8884) == "mqtts://[fe80::1]:8884"
    assert mosquitto.broker_url("pi.local", 8884) == "mqtts://pi.local:8884"


@pytest.mark.parametrize("name", ["devices.acl", "clients.acl"])
def test_the_shipped_rights_move_to_another_base_topic_entirely(name: str) -> None:
    path = REPOSITORY / "broker" / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    rules = [
        line
        for line in mosquitto.acl(path.read_text(encoding="utf-8"), "other").splitlines()
        if line.startswith(("pattern", "topic")) and "homeassistant/" not in line
    ]
    assert rules
    assert all(rule.split()[-1].startswith("other/") for rule in rules)
