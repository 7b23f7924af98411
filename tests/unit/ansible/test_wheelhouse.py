import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.unit.ansible.loading import ANSIBLE, REPOSITORY, load

wheelhouse = load("roles/wheelhouse/files/wheelhouse.py")

PI_12 = wheelhouse.Target("3.11", "aarch64")
PI_13 = wheelhouse.Target("3.13", "aarch64")
LOCKS = sorted((ANSIBLE / "roles/wheelhouse/files/locks").glob("*.txt"))
CONSTRAINTS = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
PYPROJECT = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")


def target_of(lock: Path) -> object:
    tag, _, machine = lock.stem.partition("-")
    return wheelhouse.Target(f"{tag[2]}.{tag[3:]}", machine)


def test_the_interpreter_is_the_one_of_the_device_and_not_of_the_controller() -> None:
    on_12 = wheelhouse.direct_requirements(PYPROJECT, PI_12)
    on_13 = wheelhouse.direct_requirements(PYPROJECT, PI_13)
    assert "tflite-runtime" in on_12
    assert "ai-edge-litert" not in on_12
    assert "ai-edge-litert" in on_13
    assert "tflite-runtime" not in on_13


def test_numpy_has_the_version_that_the_interpreter_needs() -> None:
    assert wheelhouse.pinned_versions(CONSTRAINTS, PI_12)["numpy"].startswith("1.")
    assert wheelhouse.pinned_versions(CONSTRAINTS, PI_13)["numpy"].startswith("2.")


def test_every_kind_of_device_but_armv7l_has_a_lock() -> None:
    defaults = (ANSIBLE / "roles/preflight/defaults/main.yml").read_text(encoding="utf-8")
    kinds = re.findall(r'machine: (\S+), python: "(\S+)"', defaults)
    tags = {wheelhouse.Target(python, machine).tag for machine, python in kinds}
    assert tags - {lock.stem for lock in LOCKS} == {"cp311-armv7l"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_has_the_versions_of_the_constraints_and_all_that_an_agent_needs(lock: Path) -> None:
    target = target_of(lock)
    pins = wheelhouse.read_pins(lock.read_text(encoding="utf-8"))
    assert wheelhouse.stale_pins(pins, wheelhouse.pinned_versions(CONSTRAINTS, target)) == []
    assert {pin.name for pin in pins}.issuperset(wheelhouse.direct_requirements(PYPROJECT, target))


def test_a_pin_of_another_version_is_stale() -> None:
    pins = wheelhouse.read_pins(f"numpy==1.26.4 --hash=sha256:{'0' * 64}\n")
    assert wheelhouse.stale_pins(pins, {"numpy": "1.26.4"}) == []
    assert wheelhouse.stale_pins(pins, {"numpy": "2.0.0"}) == ["numpy"]
    assert wheelhouse.stale_pins(pins, {}) == ["numpy"]


def test_a_wheels_requirements_are_read_for_the_device(tmp_path: Path) -> None:
    wheel = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "some-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: some\nVersion: 1.0\n"
            "Requires-Dist: Always_This>=1\n"
            'Requires-Dist: for-old; python_version < "3.12"\n'
            'Requires-Dist: for-arm; platform_machine == "aarch64"\n'
            'Requires-Dist: for-extra; extra == "more"\n',
        )
    assert wheelhouse.wheel_requirements(wheel, PI_12) == ["always-this", "for-old", "for-arm"]
    assert wheelhouse.wheel_requirements(wheel, PI_13) == ["always-this", "for-arm"]


def test_the_project_names_the_packages_that_its_wheel_is_built_from() -> None:
    patterns = tomllib.loads(PYPROJECT)["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {each.rstrip("*") for each in patterns} == set(wheelhouse._SOURCES)
