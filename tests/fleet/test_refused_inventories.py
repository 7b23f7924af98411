"""Inventories that cannot be deployed: refused before a host changes, with host and mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fluid.bundle import Bundle, write_bundle
from tests.fleet.conftest import Bundles
from tests.fleet.device import Device
from tests.fleet.fleet import Fleet
from tests.fleet.playbook import Inventory, Run
from tests.fleet.snapshots import Snapshot, changes_since

# The first of them installs the engine and builds the image, if need be.
pytestmark = [pytest.mark.fleet, pytest.mark.timeout(2400)]

_MARKER = "/run/before-refused-inventories"
# Python runs it at each start, so whoever asks this device what it is gets another answer.
_DISGUISE = Path("/usr/lib/python3/dist-packages/disguise.pth")


@pytest.fixture(scope="module")
def untouched(fleet: Fleet, blank: dict[str, Snapshot]) -> Fleet:
    """Blank devices, on which nothing may change until the end of the tests here."""
    for device in fleet.devices.values():
        device.run(f"touch {_MARKER}")
    return fleet


def _refused(fleet: Fleet, inventory: Inventory) -> Run:
    """The run of an inventory, which has to end with an error before it changes a host."""
    run = fleet.playbooks.run("deploy.yml", inventory)
    assert run.code != 0, run.output[-2000:]
    assert run.changed == 0, run.changed_tasks
    changes = {
        name: found
        for name, device in fleet.devices.items()
        if (found := [each for each in changes_since(device, _MARKER) if each != str(_DISGUISE)])
    }
    assert changes == {}
    return run


def _expect_words(run: Run, *words: str) -> None:
    missing = [word for word in words if word not in run.text]
    assert not missing, f"{missing} not in:\n{run.output[-3000:]}"


def test_without_a_master(untouched: Fleet, tmp_path: Path) -> None:
    names = replace(untouched.names, masters=())
    run = _refused(untouched, untouched.write_inventory(tmp_path, names=names))
    _expect_words(run, "no master", "[masters]")


def test_two_hosts_with_one_agent_id(untouched: Fleet, tmp_path: Path) -> None:
    first, second = untouched.names.agents[:2]
    inventory = untouched.write_inventory(
        tmp_path, host_variables={first: "agent_id=twin", second: "agent_id=twin"}
    )
    _expect_words(_refused(untouched, inventory), first, second, "'twin'", "agent_id")


def test_a_missing_secret(untouched: Fleet, tmp_path: Path) -> None:
    inventory = untouched.write_inventory(tmp_path, left_out=("fluid_session_secret",))
    _expect_words(_refused(untouched, inventory), "fluid_session_secret", "vault.yml")


def test_a_bundle_with_a_wrong_hash(untouched: Fleet, bundles: Bundles, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    damage(bundles.first, folder)
    inventory = untouched.write_inventory(
        tmp_path / "inventory", variables={"fluid_bundle": str(folder)}
    )
    _expect_words(_refused(untouched, inventory), "upper50.tflite", "sha256")


@pytest.mark.parametrize(
    ("disguise", "words"),
    [
        ("import platform; platform.machine = lambda: 'riscv64'", ("riscv64", "take a device")),
        ("import sys; sys.version_info = (3, 7, 3)", ("Python 3.7", "install a system")),
    ],
    ids=["an unknown architecture", "an unknown Python"],
)
def test_a_device_without_wheels(
    untouched: Fleet, tmp_path: Path, disguise: str, words: tuple[str, ...]
) -> None:
    name = untouched.names.workers[-1]
    with _disguised(untouched[name], f"{disguise}\n"):
        run = _refused(untouched, untouched.write_inventory(tmp_path))
    _expect_words(run, name, *words)


@contextmanager
def _disguised(device: Device, program: str) -> Iterator[None]:
    device.write(_DISGUISE, program.encode())
    device.run(f"touch {_MARKER}")
    try:
        yield
    finally:
        device.run(f"rm {_DISGUISE} && touch {_MARKER}")


def damage(bundle: Bundle, folder: Path) -> None:
    """Write a bundle of which one file has changed on its way."""
    write_bundle(folder, bundle)
    file = folder / "upper50.tflite"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
