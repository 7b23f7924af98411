import json
from typing import Any

import pytest

from fluid.topics import is_agent_id
from tests.unit.ansible.loading import load

preflight = load("filter_plugins/fluid_preflight.py")

GROUPS = {"brokers": ["a"], "masters": ["a"], "workers": ["b", "c"], "all": ["a", "b", "c"]}
TARGETS = [{"machine": "aarch64", "python": "3.11"}, {"machine": "aarch64", "python": "3.13"}]
HOST = {"machine": "aarch64", "python": "3.11", "systemd": True, "apt": True, "root": True}


def cluster(**changed: Any) -> list[str]:
    hosts = ("a", "b", "c")
    arguments: dict[str, Any] = {
        "groups": GROUPS,
        "agent_ids": {each: each for each in hosts},
        "addresses": {each: f"192.168.1.{ord(each)}" for each in hosts},
        "revoked": [],
    }
    problems: list[str] = preflight.cluster_problems(**(arguments | changed))
    return problems


def told(**changed: Any) -> dict[str, Any]:
    return {"rc": 0, "stdout": json.dumps(HOST | changed) + "\r\n"}


def told_of(**changed: Any) -> dict[str, Any]:
    return HOST | changed


def device(result: dict[str, Any], *, agents: list[str] | None = None) -> str:
    problems = preflight.device_problems(
        {"pi": result}, ["pi"] if agents is None else agents, TARGETS
    )
    return "\n".join(problems)


def test_a_sound_inventory_has_no_problem() -> None:
    assert cluster() == []


@pytest.mark.parametrize("group", ["brokers", "masters"])
def test_a_group_without_hosts_is_named(group: str) -> None:
    (problem,) = cluster(groups={**GROUPS, group: []})
    assert f"[{group}]" in problem


def test_a_group_that_is_not_there_is_like_an_empty_one() -> None:
    assert len(cluster(groups={"workers": ["b"]})) == 2


def test_an_inventory_whose_masters_are_all_revoked_has_none() -> None:
    (problem,) = cluster(revoked=["a"])
    assert "no master" in problem


def test_hosts_with_one_agent_id_are_named() -> None:
    (problem,) = cluster(agent_ids={"a": "a", "b": "same", "c": "same"})
    assert problem.startswith("b and c have the same agent id 'same'")


def test_an_agent_id_that_fits_no_topic_is_named() -> None:
    (problem,) = cluster(agent_ids={"a": "a", "b": "b/1", "c": "c"})
    assert problem.startswith("b has the agent id 'b/1'")


@pytest.mark.parametrize("agent", ["pi-b", "7", "-pi", ".", "..", "_b", "b_", "b c", "é", "b" * 65])
def test_preflight_takes_the_agent_ids_that_the_agent_takes(agent: str) -> None:
    problems = cluster(agent_ids={"a": "a", "b": agent, "c": "c"})
    assert (problems == []) is is_agent_id(agent)


@pytest.mark.parametrize("topic", ["", "fluid/#", "+", "/fluid", "fluid/", "a b", "$SYS", "a$b"])
def test_a_base_topic_that_would_open_or_break_the_rights_is_named(topic: str) -> None:
    (problem,) = preflight.name_problems(topic, {}, ["a"])
    assert problem.startswith(f"fluid_base_topic is '{topic}': take ")


def test_a_base_topic_may_have_several_parts() -> None:
    assert preflight.name_problems("home/fluid-2", {}, ["a"]) == []


def test_a_user_with_a_devices_name_is_told_to_take_another() -> None:
    (problem,) = preflight.name_problems("fluid", {"b": {}, "camera": {}}, ["a", "b"])
    assert problem.startswith("'b' is a user of fluid_clients and an agent id")


@pytest.mark.parametrize("password", [12345678, 1e30, True])
def test_a_password_that_yaml_reads_as_a_number_is_no_password(password: object) -> None:
    (problem,) = preflight.secret_problems(
        {"fluid_session_secret": "x" * 16, "fluid_clients": {"camera": {"password": password}}}
    )
    assert "'camera'" in problem
    assert "put it in quotes" in problem
    assert str(password) not in problem


def test_a_single_revoked_id_without_brackets_is_no_list() -> None:
    (problem,) = cluster(revoked="pi-b")
    assert problem.endswith("fluid_revoked=['pi-b']")


def test_an_order_in_which_presets_win_over_an_inventory_is_refused() -> None:
    assert preflight.order_problems(["all_plugins_play", "all_inventory"]) == []
    (problem,) = preflight.order_problems(["all_inventory", "all_plugins_play"])
    assert "ANSIBLE_CONFIG" in problem


def test_a_host_is_not_master_and_worker() -> None:
    (problem,) = cluster(groups={**GROUPS, "workers": ["a", "b"]})
    assert problem.startswith("a is a master and a worker")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_a_broker_that_only_its_host_reaches_is_named(address: str) -> None:
    (problem,) = cluster(addresses={"a": address, "b": "b", "c": "c"})
    assert problem.startswith(f"a is a broker at {address}")


def test_missing_secrets_are_named_and_present_ones_never_shown() -> None:
    problems = preflight.secret_problems(
        {
            "fluid_session_secret": "short-secret",
            "fluid_clients": {
                "camera": {"password": "hidden"},
                "door": {},
                "a:b": {"password": "x"},
            },
        }
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        "fluid_session_secret is shorter than 16 characters",
        "the user 'door' of fluid_clients has no password",
        "the user 'a",
    ]
    assert not any("hidden" in problem or "short-secret" in problem for problem in problems)


def test_no_vault_at_all_is_one_problem() -> None:
    (problem,) = preflight.secret_problems({"fluid_session_secret": "", "fluid_clients": {}})
    assert problem.startswith("fluid_session_secret is not set")
    assert "vault.yml" in problem


def test_a_device_with_wheels_has_no_problem() -> None:
    assert device(told()) == ""


def test_a_device_with_another_python_is_told_which_to_take() -> None:
    assert device(told(python="3.9")).startswith("pi has Python 3.9 on aarch64")
    assert "3.11 or 3.13" in device(told(python="3.9"))


def test_a_device_with_another_machine_is_told_which_to_take() -> None:
    assert device(told(machine="armv6l")).endswith("a device and a system of aarch64")


def test_a_broker_without_an_agent_needs_no_wheels() -> None:
    assert device(told(machine="armv6l"), agents=[]) == ""


@pytest.mark.parametrize(
    ("result", "mend"),
    [
        ({"unreachable": True, "msg": "No route to host"}, "(No route to host)"),
        ({"rc": 127, "stdout": "", "stderr": "python3: not found"}, "apt-get install python3"),
        ({"rc": 1, "stdout": "", "stderr": "sudo: a password is required"}, "--ask-become-pass"),
        ({"rc": 1, "stdout": "", "msg": "Missing sudo password"}, "--ask-become-pass"),
        ({"rc": 0, "stdout": "banner"}, "(banner)"),
        (told(root=False), "ansible_become=true"),
        (told(apt=False), "Raspberry Pi OS or Debian"),
    ],
)
def test_a_host_that_cannot_be_used_is_named_with_the_mend(
    result: dict[str, Any], mend: str
) -> None:
    problem = device(result)
    assert problem.startswith("pi ")
    assert mend in problem


def test_kinds_of_device_are_named_once() -> None:
    devices = [told_of(python="3.11"), told_of(python="3.13"), told_of(python="3.11")]
    assert preflight.kinds(devices) == [
        {"python": "3.11", "machine": "aarch64"},
        {"python": "3.13", "machine": "aarch64"},
    ]


def test_packages_that_apt_brings_are_read_from_what_it_prints() -> None:
    printed = (
        "Reading package lists...\nThe following NEW packages will be installed:\n"
        "  libcjson1 libwebsockets17\n  mosquitto\n0 upgraded, 3 newly installed\n  other\n"
    )
    assert preflight.new_packages(printed) == ["libcjson1", "libwebsockets17", "mosquitto"]
    assert preflight.new_packages("0 upgraded, 0 newly installed\n") == []


def test_what_a_login_prints_before_the_answer_is_passed_over() -> None:
    result = {"rc": 0, "stdout": f"Welcome!\r\n{json.dumps(HOST)}\r\n"}
    assert preflight.told_by(result) == HOST
