"""One emulated device: a container in which systemd and sshd run as on a flashed card.

Owns the container, and what can befall it: power, a hang, a pulled cable.
"""

import io
import os
import shlex
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import APIError

from tests.processes import wait_until

BOOT_TIMEOUT_S = 180.0  # only to end a run in which a device does not boot
POLL_S = 0.5  # each look at a device starts emulated programs, and takes time from the others

# --privileged is more than systemd needs. With SYS_PTRACE its init, as on any machine, still sees
# processes that a service with ProtectProc=invisible hides: PrivateUsers= needs that. /tmp of a
# device may hold programs, docker's may not.
_RIGHTS = {
    "cap_add": ["SYS_ADMIN", "SYS_PTRACE"],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "tmpfs": {"/run": "exec,mode=755", "/tmp": "exec,mode=1777"},  # noqa: S108 - in the device
    "volumes": ["/sys/fs/cgroup:/sys/fs/cgroup:rw"],
}

# What qemu cannot do for a program, so that systemd would not start the service at all: it has a
# thread of its own in each process, and the kernel gives a process with threads no namespace of
# users; and it does not pass on how systemd hands over a namespace of IPC. What is deployed stays
# as it is, and the exposure that is measured is that without both.
_EMULATOR = """\
[Service]
PrivateUsers=no
PrivateIPC=no
"""
_EMULATOR_FILE = Path("/etc/systemd/system/fluid-agent.service.d/emulator.conf")


class DeviceError(Exception):
    """A command on a device failed; the message has what it said."""


@dataclass(frozen=True, slots=True)
class Network:
    """The cable between all devices. gateway: the test's own address in it."""

    handle: Any
    prefix: str

    def address(self, number: int) -> str:
        return f"{self.prefix}.{number}"


class Device:
    """A device of a fleet. It exists from `create` on, and runs from `start` on."""

    def __init__(self, name: str, address: str, network: Network, container: Any) -> None:
        self.name = name
        self.address = address
        self._network = network
        self._container = container

    @classmethod
    def create(
        cls,
        client: Any,
        name: str,
        *,
        image: str,
        network: Network,
        number: int,
        public_key: str,
        labels: dict[str, str],
    ) -> "Device":
        """number: of its address in the network. public_key: of who may come in by ssh."""
        address = network.address(number)
        container = client.containers.create(
            image,
            command=["/sbin/init"],
            name=f"{network.handle.name}-{name}",  # two runs do not get into each other's way
            hostname=name,
            network=network.handle.name,
            labels=labels,
            environment={"container": "docker"},
            cgroupns="host",
            **_RIGHTS,
        )
        # Only so has it the same address after each connection.
        network.handle.disconnect(container)
        network.handle.connect(container, ipv4_address=address, aliases=[name])
        device = cls(name, address, network, container)
        device.write(Path("/root/.ssh/authorized_keys"), public_key.encode(), mode=0o600)
        if os.uname().machine != "aarch64":
            device.write(_EMULATOR_FILE, _EMULATOR.encode())
        return device

    def start(self) -> None:
        """Switch it on; `wait_until_booted` says when it can be used."""
        self._container.start()

    def wait_until_booted(self) -> None:
        """Wait until systemd has started everything that a boot starts.

        Some of its units cannot work in a container: "degraded" is as good as "running".
        """

        def booted() -> bool:
            # A boot that is not far enough answers with an error.
            code, output = self._run("systemctl is-system-running --wait")
            return code in (0, 1) and output.strip() in ("running", "degraded")

        wait_until(
            booted, timeout_s=BOOT_TIMEOUT_S, what=f"{self.name} has not booted", poll_s=POLL_S
        )

    def kill(self) -> None:
        """Cut its power."""
        self._container.kill()

    def pause(self) -> None:
        """Freeze it: its connections stay open, and it says nothing."""
        self._container.pause()

    def resume(self) -> None:
        self._container.unpause()

    def disconnect(self) -> None:
        """Pull its cable."""
        self._network.handle.disconnect(self._container)

    def reconnect(self) -> None:
        self._network.handle.connect(
            self._container, ipv4_address=self.address, aliases=[self.name]
        )

    def run(self, command: str) -> str:
        """What a shell command of root prints on both channels. Raises `DeviceError`."""
        code, output = self._run(command)
        if code:
            raise DeviceError(f"{self.name}: {command} ended with {code}: {output.strip()}")
        return output

    def succeeds(self, command: str) -> bool:
        """Whether a shell command of root ends with 0."""
        return self._run(command)[0] == 0

    def write(self, path: Path, content: bytes, *, mode: int = 0o644) -> None:
        """Put a file there, and the folder that it is in."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            folder = tarfile.TarInfo(path.parent.name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
            file = tarfile.TarInfo(f"{path.parent.name}/{path.name}")
            file.size, file.mode = len(content), mode
            tar.addfile(file, io.BytesIO(content))
        self._container.put_archive(str(path.parent.parent), buffer.getvalue())

    @property
    def journal(self) -> str:
        """The end of the agent's and the broker's logs, for people."""
        names = "-u fluid-agent -u mosquitto"
        command = f"journalctl --no-pager -n 200 {names}; tail -50 /var/log/mosquitto/*"
        try:
            return self._run(command)[1]
        except APIError as error:  # it is switched off, or hangs
            return f"cannot be asked: {error}"

    def _run(self, command: str) -> tuple[int, str]:
        code, output = self._container.exec_run(["/bin/sh", "-c", command])
        return int(code), output.decode("utf-8", errors="replace")


def quoted(*words: str) -> str:
    """The words as a shell command."""
    return shlex.join(words)
