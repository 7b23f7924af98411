"""The containers' hardening, as far as their files say it: no engine is needed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import broker

FOLDER = Path(broker.__file__).parent
ROOT = FOLDER.parent
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = ["broker/Dockerfile", "edge_agent/Dockerfile"]

every_service = pytest.mark.parametrize("name", SERVICES)
every_dockerfile = pytest.mark.parametrize("path", DOCKERFILES)


def _instructions(path: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions in order, each with what follows it."""
    text = (ROOT / path).read_text(encoding="utf-8")
    whole = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    lines = [line.strip() for line in whole.splitlines() if line.strip()]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def _mounted(service: dict[str, Any]) -> dict[str, str]:
    """What compose hands over file by file: where in the container -> the name of it."""
    entries = [*service.get("configs", []), *service.get("secrets", [])]
    return {entry["target"]: entry["source"] for entry in entries}


def test_it_runs_a_broker_and_two_agents() -> None:
    assert set(SERVICES) == {"broker", "master", "worker"}


@every_service
def test_nothing_runs_as_root(name: str) -> None:
    user, group = SERVICES[name]["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0


@every_service
def test_nothing_may_gain_a_right(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"}.isdisjoint(service)


@every_service
def test_nothing_may_write_but_where_it_has_to(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    for mount in service["tmpfs"]:
        assert {"noexec", "nosuid", "nodev"} <= set(mount.partition(":")[2].split(","))
    writable = [
        volume
        for volume in service.get("volumes", [])
        if not (isinstance(volume, dict) and volume["read_only"])
    ]
    assert writable == (["broker-state:/var/lib/mosquitto"] if name == "broker" else [])


@every_service
def test_everything_has_a_bound(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]


def test_the_broker_s_memory_is_refused_before_it_is_killed() -> None:
    limit = re.search(r"^memory_limit (\d+)$", _secure_conf(), re.MULTILINE)
    assert limit
    assert SERVICES["broker"]["mem_limit"] == "512m"
    assert int(limit[1]) < 512 * 1024 * 1024


def test_only_the_two_doors_are_open() -> None:
    assert SERVICES["broker"]["ports"] == ["8883:8883", "8884:8884"]
    assert all("ports" not in SERVICES[name] for name in ("master", "worker"))
    assert re.findall(r"^listener (.+)$", _secure_conf(), re.MULTILINE) == ["8883", "8884"]


def test_the_broker_gets_every_file_that_its_configuration_names() -> None:
    named = re.findall(r"^\w+ (/etc/mosquitto/fluid/\S+)$", _secure_conf(), re.MULTILINE)
    assert named
    assert set(named) <= set(_mounted(SERVICES["broker"]))


@pytest.mark.parametrize("name", ["master", "worker"])
def test_an_agent_gets_every_file_that_its_environment_names(name: str) -> None:
    environment = SERVICES[name]["environment"]
    named = {value for key, value in environment.items() if key.endswith("_FILE")}
    assert len(named) == 4
    assert named == set(_mounted(SERVICES[name]))
    assert _mounted(SERVICES[name])[environment["FLUID_CERT_FILE"]] == f"{name}.crt"
    assert environment["FLUID_ID"] == name


@every_service
def test_what_is_mounted_is_defined(name: str) -> None:
    assert set(_mounted(SERVICES[name]).values()) <= {*COMPOSE["configs"], *COMPOSE["secrets"]}


def test_configuration_comes_from_the_shipped_files_and_secrets_from_outside() -> None:
    for config in COMPOSE["configs"].values():
        assert (FOLDER / config["file"]).is_file()
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("${FLUID_PKI_DIR")


@every_service
def test_an_image_is_built_from_a_base_that_can_be_chosen(name: str) -> None:
    build = SERVICES[name]["build"]
    dockerfile = FOLDER / build["context"] / build.get("dockerfile", "Dockerfile")
    assert str(dockerfile.resolve().relative_to(ROOT)) in DOCKERFILES
    assert "BASE_IMAGE" in build["args"]


@every_dockerfile
def test_an_image_runs_as_the_user_that_compose_names(path: str) -> None:
    users = [what for instruction, what in _instructions(path) if instruction == "USER"]
    service = SERVICES["broker" if path.startswith("broker") else "master"]
    assert users[-1] == service["user"]


@every_dockerfile
def test_an_image_says_how_to_see_that_it_is_well(path: str) -> None:
    assert "HEALTHCHECK" in dict(_instructions(path))


@every_dockerfile
def test_an_image_comes_from_its_base_alone(path: str) -> None:
    """Nothing is fetched by address, and the base is an argument in every stage."""
    instructions = _instructions(path)
    assert instructions[0][0] == "ARG"
    bases = {what.split()[0] for instruction, what in instructions if instruction == "FROM"}
    assert bases == {"${BASE_IMAGE}"}
    assert "ADD" not in dict(instructions)


def _secure_conf() -> str:
    return (FOLDER / "secure.conf").read_text(encoding="utf-8")
