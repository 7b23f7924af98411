"""A real Mosquitto with the very files that devices get: only ports and paths are others."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import broker
from broker.launcher import find_mosquitto
from fluid.processes import start_tied, stop, tail
from tests.integration.broker.authority import Authority
from tests.processes import wait_until
from tests.rights.session import Credentials

_INSTALLED = "/etc/mosquitto/fluid/"
_START_TIMEOUT_S = 20.0
_POLL_S = 0.02
_SHIPPED = Path(broker.__file__).parent


class SecuredBroker:
    """`with SecuredBroker(folder, users={"alice": "..."}) as broker: broker.user("alice")`."""

    def __init__(self, folder: Path, *, users: Mapping[str, str], websockets: bool = False) -> None:
        self._folder = folder
        self._users = dict(users)
        self._process: subprocess.Popen[bytes] | None = None
        self.authority = Authority(folder / "authority")
        self._ports = dict(zip(("8883", "8884", "9001"), _free_ports(3), strict=True))
        self._listening = list(self._ports.values())[: 3 if websockets else 2]
        self._certificates: dict[str, tuple[Path, Path]] = {}
        self._files = folder / "fluid"
        self._files.mkdir()
        (folder / "state").mkdir()
        self._install(websockets=websockets)

    @property
    def clients_port(self) -> int:
        return self._ports["8883"]

    @property
    def devices_port(self) -> int:
        return self._ports["8884"]

    @property
    def websockets_port(self) -> int:
        return self._ports["9001"]

    @property
    def log(self) -> str:
        return (self._folder / "mosquitto.log").read_text(encoding="utf-8")

    def user(self, name: str) -> Credentials:
        """The credentials of one of the users."""
        ca = self.authority.certificate
        return Credentials(self.clients_port, ca, user=name, password=self._users[name])

    def device(self, name: str) -> Credentials:
        """The credentials of a device, whose certificate is issued when it is first asked for."""
        if name not in self._certificates:
            self._certificates[name] = self.authority.issue(name)
        certificate, key = self._certificates[name]
        ca = self.authority.certificate
        return Credentials(self.devices_port, ca, certificate=certificate, key=key)

    def revoke(self, name: str) -> None:
        """Revoke a device's certificate and put the new list in its place: `restart` takes it."""
        certificate, _ = self._certificates[name]
        self.authority.revoke(certificate)
        shutil.copy(self.authority.crl, self._files / "crl.pem")

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password: `reload` takes it."""
        self._users[name] = password
        passwords = str(self._files / "passwords")
        command = ["mosquitto_passwd", "-b", passwords, name, password]
        subprocess.run(command, check=True, timeout=60)

    def reload(self) -> None:
        """Have it read its configuration again, as `systemctl reload mosquitto` does."""
        before = len(self.log)
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        wait_until(lambda: "Reloading config" in self.log[before:])

    def restart(self) -> None:
        """Stop in order, and start again with what was saved."""
        self.__exit__(None, None, None)
        self.__enter__()

    def __enter__(self) -> Self:
        with (self._folder / "mosquitto.log").open("ab") as log:
            command = [find_mosquitto(), "-c", str(self._folder / "mosquitto.conf")]
            self._process = start_tied(command, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not all(map(_listens, self._listening)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise AssertionError(f"no broker:\n{tail(self._folder / 'mosquitto.log')}")
            time.sleep(_POLL_S)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None

    def _install(self, *, websockets: bool) -> None:
        """What the Ansible role and the container do."""
        self.certificate = self.authority.issue("broker", host="IP:127.0.0.1,DNS:localhost")
        certificate, key = self.certificate
        sources = {
            "broker.crt": certificate,
            "broker.key": key,
            "ca.crt": self.authority.certificate,
            "crl.pem": self.authority.crl,
            "devices.acl": _SHIPPED / "devices.acl",
            "clients.acl": _SHIPPED / "clients.acl",
        }
        for name, source in sources.items():
            shutil.copy(source, self._files / name)
        passwords = self._files / "passwords"
        passwords.touch(mode=0o600)
        for name, password in self._users.items():
            self.set_password(name, password)
        # Debian's own file has these two lines in other words; ours comes by its include_dir.
        base = [f"persistence_location {self._folder}/state/", "log_dest stderr"]
        if os.geteuid() == 0:  # else Mosquitto would become a user who may not read our folder
            base.append("user root")
        parts = [_SHIPPED / "secure.conf", *([_SHIPPED / "websockets.conf"] if websockets else [])]
        text = "\n".join([*base, *(part.read_text(encoding="utf-8") for part in parts)])
        text = text.replace(_INSTALLED, f"{self._files}/")
        for port, other in self._ports.items():
            text = text.replace(f"listener {port}\n", f"listener {other} 127.0.0.1\n")
        (self._folder / "mosquitto.conf").write_text(text, encoding="utf-8")


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True
