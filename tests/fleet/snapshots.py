"""What there is on a device: to tell whether somebody has left something, or touched anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.fleet.device import Device

# What changes on a device where nobody does anything, or by being looked at. The rest of each
# line says why it is not what a deployment leaves.
_NOT_COUNTED = (
    "/root/.ansible",  # Ansible's own scratch folder
    "/proc",
    "/run",
    "/sys",
    "/dev",
    "/tmp",  # noqa: S108 - emptied by each boot
    "/var/tmp",  # noqa: S108 - emptied by systemd
    "/var/cache",  # what apt may fetch again
    "/var/lib/apt",  # apt's lists, and when it fetched them
    "/var/lib/dpkg",  # its own history
    "/var/lib/systemd",  # timers' stamps
    "/var/log",  # a log that goes with what it is about helps nobody
    "/etc/ld.so.cache",
    "/etc/.pwd.lock",
)

_KINDS = ("files", "accounts", "packages")
_PRUNED = " -o ".join(f"-path {path}" for path in _NOT_COUNTED)
# Python's own copies of its files come and go.
_FIND = f"find / \\( {_PRUNED} -o -name __pycache__ \\) -prune -o"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Names only: files, users and groups, installed packages."""

    files: frozenset[str]
    accounts: frozenset[str]
    packages: frozenset[str]

    @classmethod
    def of(cls, device: Device) -> Self:
        return cls(
            _lines(device, f"{_FIND} -print"),
            _lines(device, "cut -d: -f1 /etc/passwd /etc/group /etc/shadow"),
            _lines(device, "dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n'"),
        )

    def left_over(self, before: "Snapshot") -> list[str]:
        """What is there that was not there before."""
        pairs = (
            (self.files, before.files),
            (self.accounts, before.accounts),
            (self.packages, before.packages),
        )
        return sorted(each for after, then in pairs for each in after - then)

    def missing(self, before: "Snapshot") -> list[str]:
        """What was there before and is not any more."""
        return before.left_over(self)


def write_snapshots(path: Path, snapshots: Mapping[str, Snapshot]) -> None:
    """For a run that takes up the devices again."""
    written = {
        name: {kind: sorted(getattr(each, kind)) for kind in _KINDS}
        for name, each in snapshots.items()
    }
    path.write_text(json.dumps(written), encoding="utf-8")


def read_snapshots(path: Path) -> dict[str, Snapshot]:
    """What `write_snapshots` has written."""
    written = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: Snapshot(*(frozenset(each[kind]) for kind in _KINDS))
        for name, each in written.items()
    }


def _lines(device: Device, command: str) -> frozenset[str]:
    return frozenset(device.run(command).splitlines())


def changes_since(device: Device, marker: str) -> list[str]:
    """Which files were written, or folders changed, since the file `marker` was."""
    return sorted(device.run(f"{_FIND} -newer {marker} -print").splitlines())
