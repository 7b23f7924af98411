"""A broker host, a master and any number of workers: switched on, blank, and in an inventory.

Owns the devices, their network and the files that a Pi's owner writes before the first playbook.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from tests.fleet.commands import run
from tests.fleet.device import Device, Network
from tests.fleet.playbook import Inventory, Playbooks, find_program
from tests.fleet.progress import say
from tests.processes import is_alive
from tests.temporary import Temporary

BROKER = "broker"
MASTER = "master"

REQUESTER = "alice"
OTHER_REQUESTER = "bob"
OPERATOR = "operator"
# With what an address would take for its own signs.
PASSWORDS = {
    REQUESTER: "alice's: word/ 1",
    OTHER_REQUESTER: "bob's word",
    OPERATOR: "the operator's @ word",
}
SESSION_SECRET = "what only the devices know"  # noqa: S105 - of containers that live minutes
_VAULT_PASSWORD = "what opens the vault"  # noqa: S105

_LABEL = "fluid.fleet"
# Instead of the process that a fleet belongs to: see `Fleet`.
_KEPT = "kept"
_KEPT_FOLDER = Path("/tmp/flt-kept")  # noqa: S108 - of root's own test devices
_FIRST_ADDRESS = 10
_SUBNETS = tuple(f"172.30.{number}" for number in range(70, 100))


@dataclass(frozen=True, slots=True)
class Names:
    """Which host does what."""

    brokers: tuple[str, ...]
    masters: tuple[str, ...]
    workers: tuple[str, ...]

    @classmethod
    def of(cls, workers: int) -> Self:
        """One broker host, one master, so many workers."""
        return cls((BROKER,), (MASTER,), tuple(f"worker{n}" for n in range(1, workers + 1)))

    @property
    def agents(self) -> tuple[str, ...]:
        """Those that serve, the best to lead first."""
        return self.masters + self.workers

    @property
    def all(self) -> tuple[str, ...]:
        return self.brokers + self.agents


class Fleet(Temporary):
    """Use it in `with`: all devices boot at once, and are gone afterwards.

    With FLUID_FLEET_KEEP in the environment they stay, with what was deployed to them, and the next
    run that has it too takes them up again. A run without it removes them.
    """

    def __init__(self, client: Any, image: str, *, bundle: Path, workers: int = 2) -> None:
        """client: of the engine. bundle: the folder to deploy at first."""
        self.names = Names.of(workers)
        # A short path: ssh's sockets lie there, whose names may have 108 characters.
        self.is_kept = "FLUID_FLEET_KEEP" in os.environ
        self._owner = _KEPT if self.is_kept else str(os.getpid())
        self.folder = (
            _KEPT_FOLDER if self.is_kept else Path(tempfile.mkdtemp(prefix="flt-", dir="/tmp"))
        )
        self.pki = self.folder / "pki"
        self.bundle = bundle
        self._client = client
        self._image = image
        self._network: Network | None = None
        self.devices: dict[str, Device] = {}
        self._is_built = False
        self.key = self.folder / "key"
        self._vault_password = self.folder / "vault-password"
        self.playbooks = Playbooks(key=self.key, folder=self.folder)

    def __getitem__(self, name: str) -> Device:
        return self.devices[name]

    @property
    def broker(self) -> Device:
        return self.devices[self.names.brokers[0]]

    @property
    def agents(self) -> tuple[Device, ...]:
        """The devices that serve, the best to lead first."""
        return tuple(self.devices[name] for name in self.names.agents)

    @property
    def ca_file(self) -> Path:
        """Of the authority that the playbook makes."""
        return self.pki / "ca.crt"

    def url(self, user: str) -> str:
        """The broker's address for a requester or an operator."""
        password = quote(PASSWORDS[user], safe="")
        return f"mqtts://{user}:{password}@{self.broker.address}:8883"

    def write_inventory(
        self,
        folder: Path,
        *,
        names: Names | None = None,
        host_variables: Mapping[str, str] | None = None,
        left_out: Sequence[str] = (),
        variables: Mapping[str, object] | None = None,
    ) -> Inventory:
        """Write an inventory, its variables, and secrets in a vault, into a folder.

        host_variables: more of them, by host. left_out: of the variables. variables: other ones.
        """
        shown: dict[str, object] = {
            "fluid_bundle": str(self.bundle),
            "fluid_pki_dir": str(self.pki),
            # All devices start their agents at once, emulated, on cores that may be busy.
            "agent_start_s": 300,
        }
        secret: dict[str, object] = {
            "fluid_clients": {
                user: {"password": password, "operator": user == OPERATOR}
                for user, password in PASSWORDS.items()
            },
            "fluid_session_secret": SESSION_SECRET,
        }
        shown.update(variables or {})
        for name in left_out:
            shown.pop(name, None)
            secret.pop(name, None)
        folder.mkdir(parents=True, exist_ok=True)
        inventory = Inventory(
            hosts=folder / "inventory.ini",
            variables=folder / "variables.yml",
            vault=folder / "vault.yml",
            vault_password=self._vault_password,
        )
        inventory.hosts.write_text(
            self._hosts(names or self.names, host_variables or {}), encoding="utf-8"
        )
        # JSON is YAML.
        inventory.variables.write_text(json.dumps(shown, indent=2) + "\n", encoding="utf-8")
        inventory.vault.write_text(json.dumps(secret) + "\n", encoding="utf-8")
        vault = [find_program("ansible-vault"), "encrypt", str(inventory.vault)]
        run([*vault, "--vault-password-file", str(self._vault_password)], timeout_s=60)
        return inventory

    def _build(self) -> None:
        if not self._take_up():
            self._remove_others()
            self._write_keys()
            self._boot()
        self.inventory = self.write_inventory(self.folder / "inventory")
        self._is_built = True

    def _remove(self) -> None:
        self.playbooks.close()
        if self.is_kept and self._is_built:
            say(f"the fleet is kept: {self.folder}")
            return
        self._remove_owned_by(lambda owner: owner == self._owner)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _hosts(self, names: Names, host_variables: Mapping[str, str]) -> str:
        def line(name: str) -> str:
            more = host_variables.get(name, "")
            return f"{name} ansible_host={self.devices[name].address} {more}".strip()

        sections = {"brokers": names.brokers, "masters": names.masters, "workers": names.workers}
        # Not a user with sudo: an emulated program gains no rights by its set-user-id bit unless
        # the kernel was told so as the emulator was registered, and Debian does not tell it.
        everyone = "[all:vars]\nansible_user=root\nansible_become=true\n"
        return everyone + "".join(
            f"\n[{section}]\n" + "".join(f"{line(name)}\n" for name in members)
            for section, members in sections.items()
        )

    def _take_up(self) -> bool:
        """Find the devices of the run before; whether all are there and on."""
        networks = self._client.networks.list(filters={"label": f"{_LABEL}={_KEPT}"})
        if not self.is_kept or not networks or not self.key.exists():
            return False
        (handle,) = networks
        (pool,) = handle.attrs["IPAM"]["Config"]
        network = Network(handle, pool["Subnet"].removesuffix(".0/24"))
        running = self._client.containers.list(filters={"label": f"{_LABEL}={_KEPT}"})
        found = {
            each.name: each for each in running if each.attrs["Config"]["Image"] == self._image
        }
        if set(found) != {f"{handle.name}-{name}" for name in self.names.all}:
            return False
        self._network = network
        for number, name in enumerate(self.names.all, _FIRST_ADDRESS):
            container = found[f"{handle.name}-{name}"]
            self.devices[name] = Device(name, network.address(number), network, container)
        return True

    def _write_keys(self) -> None:
        self.folder.mkdir(exist_ok=True)
        run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)],
            timeout_s=30,
        )
        self._vault_password.write_text(_VAULT_PASSWORD + "\n", encoding="utf-8")
        self._vault_password.chmod(0o600)

    def _boot(self) -> None:
        self._network = network = self._make_network()
        public_key = self.key.with_suffix(".pub").read_text(encoding="utf-8")
        for number, name in enumerate(self.names.all, _FIRST_ADDRESS):
            self.devices[name] = Device.create(
                self._client,
                name,
                image=self._image,
                network=network,
                number=number,
                public_key=public_key,
                labels={_LABEL: self._owner},
            )
        say(f"{len(self.devices)} devices boot")
        with ThreadPoolExecutor(len(self.devices)) as pool:
            for device in self.devices.values():
                device.start()
            list(pool.map(Device.wait_until_booted, self.devices.values()))
        say("they have booted")

    def _make_network(self) -> Network:
        """In the first range of addresses that the engine has not given away."""
        for prefix in _SUBNETS:
            pool = IPAMPool(subnet=f"{prefix}.0/24", gateway=f"{prefix}.1")
            try:
                handle = self._client.networks.create(
                    f"flt-{self._owner}",
                    driver="bridge",
                    ipam=IPAMConfig(pool_configs=[pool]),
                    labels={_LABEL: self._owner},
                )
            except APIError as error:
                if "overlap" not in str(error):
                    raise
                continue
            return Network(handle, prefix)
        raise RuntimeError(f"no free addresses for the fleet: {_SUBNETS[0]} to {_SUBNETS[-1]}")

    def _remove_others(self) -> None:
        """What a run that was killed has left, and what was kept."""
        self._remove_owned_by(lambda owner: not _is_in_use(owner))
        shutil.rmtree(_KEPT_FOLDER, ignore_errors=True)

    def _remove_owned_by(self, is_meant: Callable[[str], bool]) -> None:
        """By their labels: whoever is interrupted does not know what the engine has made already.

        Nothing else on the engine has such labels.
        """
        filters = {"label": _LABEL}
        for container in self._client.containers.list(all=True, filters=filters):
            if is_meant(container.labels[_LABEL]):
                container.remove(force=True, v=True)
        for network in self._client.networks.list(filters=filters):
            if is_meant(network.attrs["Labels"][_LABEL]):
                network.remove()


def _is_in_use(owner: str) -> bool:
    return owner != _KEPT and is_alive(int(owner))
