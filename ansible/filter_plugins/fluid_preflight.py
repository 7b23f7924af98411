"""What keeps a cluster from being deployed, as sentences that name the host and the mend.

Looks at the inventory, at the variables and at what each host's probe told, on the controller and
before any host is changed. Reads and changes nothing itself.
"""

import ipaddress
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# As fluid.topics.is_agent_id has it: the agent would not start with another.
_AGENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_USER = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Less than fluid.topics.Topics takes: it also has to pass through ACL files and a shell.
_BASE_TOPIC = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,15}")
_LEAST_SECRET = 16
_VAULT = "in group_vars/all/vault.yml (vault.yml.example shows how)"


def cluster_problems(
    groups: Mapping[str, Sequence[str]],
    agent_ids: Mapping[str, str],
    addresses: Mapping[str, str],
    revoked: Sequence[str],
) -> list[str]:
    """What is wrong with the inventory.

    groups: the hosts of each group. agent_ids, addresses: `agent_id` and `broker_address` by host.
    revoked: agent ids.
    """
    if isinstance(revoked, str):
        return [f"fluid_revoked is no list: write it as fluid_revoked=['{revoked}']"]
    groups = {name: list(groups.get(name, ())) for name in ("brokers", "masters", "workers")}
    problems = []
    if not groups["brokers"]:
        problems.append("the inventory has no broker: write a host into the group [brokers]")
    agents: dict[str, list[str]] = {}
    for host in _unique([*groups["masters"], *groups["workers"]]):
        agents.setdefault(str(agent_ids[host]), []).append(host)
    if all(agent_ids[host] in revoked for host in groups["masters"]):
        problems.append(
            "the inventory has no master: write a host that is not revoked into the group [masters]"
        )
    for agent, named in agents.items():
        if len(named) > 1:
            problems.append(
                f"{' and '.join(named)} have the same agent id '{agent}': give each a different "
                "agent_id"
            )
        if not _AGENT_ID.fullmatch(agent):
            problems.append(
                f"{named[0]} has the agent id '{agent}': set agent_id to up to 64 letters, digits, "
                "'.', '_' or '-', of which the first is a letter or a digit"
            )
    problems += [
        f"{host} is a master and a worker: take it out of one of the groups"
        for host in groups["masters"]
        if host in groups["workers"]
    ]
    others = len(_unique([name for names in groups.values() for name in names])) > 1
    problems += [
        f"{host} is a broker at {addresses[host]}, which no other host reaches: set its "
        "broker_address to its name or address in the network"
        for host in groups["brokers"]
        if others and _is_loopback(str(addresses[host]))
    ]
    return problems


def name_problems(base_topic: str, clients: Any, agent_ids: Iterable[str]) -> list[str]:
    """What is wrong with the names at the broker. clients: `fluid_clients`."""
    problems = []
    if not _BASE_TOPIC.fullmatch(str(base_topic)):
        problems.append(
            f"fluid_base_topic is '{base_topic}': take letters, digits, '.', '_' or '-', and '/' "
            "between such parts"
        )
    users = clients if isinstance(clients, Mapping) else {}
    problems += [
        f"'{name}' is a user of fluid_clients and an agent id, and each could read the other's "
        "answers: give the user another name"
        for name in _unique(agent_ids)
        if name in users
    ]
    return problems


def order_problems(order: Sequence[str]) -> list[str]:
    """Whether what an inventory sets counts. order: the precedence of group variables."""
    places = {name: place for place, name in enumerate(order)}
    if places.get("all_inventory", -1) > places.get("all_plugins_play", -1):
        return []
    return [
        "the ansible.cfg of these playbooks is not read, so that variables of the inventory would "
        "not count: start them in their own folder, or name that file in ANSIBLE_CONFIG"
    ]


def secret_problems(variables: Mapping[str, Any]) -> list[str]:
    """What is wrong with the secrets; never shows one.

    variables: `fluid_session_secret` and `fluid_clients`, where they are defined.
    """
    problems = []
    secret = variables.get("fluid_session_secret") or ""
    if not secret:
        problems.append(f"fluid_session_secret is not set: set it {_VAULT}")
    elif len(str(secret)) < _LEAST_SECRET:
        problems.append(
            f"fluid_session_secret is shorter than {_LEAST_SECRET} characters: make a longer one "
            "with openssl rand -hex 32"
        )
    clients = variables.get("fluid_clients") or {}
    if not isinstance(clients, Mapping):
        return [*problems, f"fluid_clients is not a table of users: write it as {_VAULT}"]
    for name, user in clients.items():
        if not _USER.fullmatch(str(name)):
            problems.append(
                f"the user '{name}' of fluid_clients has an unusable name: take letters, digits, "
                "'.', '_' or '-'"
            )
        if not isinstance(user, Mapping) or not user.get("password"):
            problems.append(f"the user '{name}' of fluid_clients has no password: set it {_VAULT}")
        elif isinstance(user["password"], int | float):  # bool is an int
            problems.append(
                f"the password of the user '{name}' of fluid_clients was read as a number, which "
                "may be another than you wrote: put it in quotes"
            )
    return problems


def device_problems(
    probes: Mapping[str, Mapping[str, Any]],
    agents: Sequence[str],
    targets: Sequence[Mapping[str, str]],
) -> list[str]:
    """What is wrong with the hosts.

    probes: of each host the result of its probe, as Ansible registered it. agents: the hosts that
    shall run an agent. targets: of each kind of device that wheels exist for, `machine`, `python`.
    """
    problems = []
    for host, result in probes.items():
        told = told_by(result)
        if not told:
            problems.append(f"{host} {_unanswered(result)}")
            continue
        if not told["root"]:
            problems.append(f"{host} let us in without root's rights: set ansible_become=true")
        if not told["apt"] or not told["systemd"]:
            problems.append(
                f"{host} is no Debian with systemd: install Raspberry Pi OS or Debian 12 or 13 on "
                "it"
            )
        if host in agents and not _has_wheels(told, targets):
            problems.append(_without_wheels(host, told, targets))
    return problems


def unanswered_problems(probes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which hosts could not be asked, and why.

    probes: of each host the result of its probe, as Ansible registered it.
    """
    return [
        f"{host} {_unanswered(result)}" for host, result in probes.items() if not told_by(result)
    ]


def rollback_problems(probes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Why these hosts cannot all be brought back to one bundle, each by one step at most.

    probes: of each host the result of its probe, as Ansible registered it.
    """
    told = {host: told_by(result) for host, result in probes.items()}
    problems = unanswered_problems(probes)
    if problems or len(_rollback_targets(told.values())) == 1:
        return problems
    problems = [
        f"{host} has no bundle to go back to, as none was rolled out after its first one: leave it "
        "out with --limit, or roll out the bundle that you want with deploy.yml --tags bundle"
        for host, each in told.items()
        if not each.get("previous")
    ]
    if problems or not told:
        return problems
    held = ", ".join(
        f"{host} serves {each.get('bundle')}, and {each['previous']} before"
        for host, each in told.items()
    )
    return [
        f"the devices differ in what they can go back to ({held}): set fluid_bundle to the bundle "
        "that you want and run deploy.yml --tags bundle, or name those that shall go back with "
        "--limit"
    ]


def rollback_target(probes: Mapping[str, Mapping[str, Any]]) -> str:
    """The bundle that all shall serve, where there are no `rollback_problems`."""
    (target,) = _rollback_targets([told_by(result) for result in probes.values()])
    return target


def told_by(result: Mapping[str, Any]) -> dict[str, Any]:
    """What a host's probe told; nothing if it could not be asked."""
    if result.get("unreachable") or result.get("rc") != 0:
        return {}
    lines = str(result.get("stdout", "")).strip().splitlines()
    try:
        told = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def kinds(devices: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Which kinds of device there are, by what their probes told."""
    pairs = dict.fromkeys((each["python"], each["machine"]) for each in devices)
    return [{"python": python, "machine": machine} for python, machine in pairs]


def new_packages(printed: str) -> list[str]:
    """The packages that apt-get says it installs and that were not there before."""
    _, _, rest = printed.partition("NEW packages will be installed:\n")
    listed = itertools.takewhile(lambda line: line.startswith(" "), rest.splitlines())
    return [name for line in listed for name in line.split()]


def _rollback_targets(devices: Iterable[Mapping[str, Any]]) -> set[str]:
    """The bundles that some can go back to while all others serve them already, as those do that a
    rollout did not reach."""
    devices = list(devices)
    return {
        target
        for target in {each.get("previous") for each in devices} - {None, ""}
        if all(target in (each.get("bundle"), each.get("previous")) for each in devices)
        and not all(target == each.get("bundle") for each in devices)
    }


def _unanswered(result: Mapping[str, Any]) -> str:
    said = " ".join(
        str(result.get(key) or "") for key in ("stderr", "stdout", "module_stderr", "msg")
    )
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no word")
    if result.get("unreachable"):
        return (
            "cannot be reached over ssh: switch it on, check ansible_host and ansible_user, or "
            f"leave it out with --limit ({last})"
        )
    if result.get("rc") == 127 or "python3: not found" in said:
        return "has no /usr/bin/python3: run apt-get install python3 on it"
    if "assword" in said:
        return "wants a password for sudo: run again with --ask-become-pass"
    return f"cannot be asked what it is: run its probe by hand ({last})"


def _has_wheels(told: Mapping[str, Any], targets: Sequence[Mapping[str, str]]) -> bool:
    return any(
        each["machine"] == told["machine"] and each["python"] == told["python"] for each in targets
    )


def _without_wheels(
    host: str, told: Mapping[str, Any], targets: Sequence[Mapping[str, str]]
) -> str:
    pythons = [each["python"] for each in targets if each["machine"] == told["machine"]]
    found = f"{host} has Python {told['python']} on {told['machine']}"
    if pythons:
        return (
            f"{found}, for which no interpreter's wheels exist: install a system with Python "
            f"{' or '.join(pythons)} (Debian 12 has 3.11, Debian 13 has 3.13)"
        )
    machines = _unique([each["machine"] for each in targets])
    return (
        f"{found}, for which no interpreter's wheels exist: take a device and a system of "
        f"{' or '.join(machines)}"
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


class FilterModule:
    """The filters' names in templates."""

    def filters(self) -> dict[str, Any]:
        return {
            "fluid_cluster_problems": cluster_problems,
            "fluid_name_problems": name_problems,
            "fluid_order_problems": order_problems,
            "fluid_secret_problems": secret_problems,
            "fluid_unanswered_problems": unanswered_problems,
            "fluid_rollback_problems": rollback_problems,
            "fluid_rollback_target": rollback_target,
            "fluid_device_problems": device_problems,
            "fluid_told_by": told_by,
            "fluid_kinds": kinds,
            "fluid_new_packages": new_packages,
        }
