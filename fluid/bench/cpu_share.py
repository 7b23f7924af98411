"""Holds each device to a share of a core, so that the devices and not the box are the bottleneck.

By the kernel's `cpu` control group, version 2 or 1: a quota of each period of 100 ms. Where that
is not permitted, each device is pinned to a core of its own instead, as far as there are cores;
what was done and why is in `description`, for the report. Linux only.
"""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_PREFIX = "fluid-bench-"  # of a group's name; then our process id and the device
# The kernel's own period, as `docker run --cpus` has it. In shorter ones a process spends a good
# part of its share on starting up again, its caches cold: 20 % with 10 ms and a share of 0.2.
_PERIOD_US = 100_000
_LEAST_QUOTA_US = 1_000  # the kernel's
_EMPTY_TIMEOUT_S = 2.0
_POLL_S = 0.01
_MOUNTS = Path("/proc/self/mounts")
_OWN_GROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class Quota:
    """A share of a core as the kernel takes it: `quota_us` of each `period_us`."""

    quota_us: int
    period_us: int

    @classmethod
    def of(cls, share: float) -> "Quota":
        """share: of one core, at least 0.01."""
        return cls(max(_LEAST_QUOTA_US, round(share * _PERIOD_US)), _PERIOD_US)

    def __str__(self) -> str:
        return f"{self.quota_us / 1000:g} ms of every {self.period_us / 1000:g} ms"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where control groups are made. version: 1 or 2."""

    version: int
    parent: Path

    def limit(self, group: Path, quota: Quota) -> None:
        if self.version == 2:
            (group / "cpu.max").write_text(f"{quota.quota_us} {quota.period_us}")
            return
        # The quota first: a shorter period alone may promise more than the parent has.
        (group / "cpu.cfs_quota_us").write_text("-1")
        (group / "cpu.cfs_period_us").write_text(str(quota.period_us))
        (group / "cpu.cfs_quota_us").write_text(str(quota.quota_us))

    def delegate(self) -> None:
        """Let groups below the parent have a quota; version 1 always does."""
        if self.version == 2:
            (self.parent / "cgroup.subtree_control").write_text("+cpu")


class DeviceCpu(ABC):
    """Holds processes to a share of a core. Use it in `with`, around whatever starts them.

    holds_shares: false where a process may use more than its share.
    """

    description: str
    holds_shares = True

    @abstractmethod
    def hold(self, device: str, pid: int, *, share: float) -> None:
        """Hold all threads of a process to `share` of a core, from now on."""

    def close(self) -> None:
        """Remove what was made, once the processes have ended."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()


class ControlGroups(DeviceCpu):
    """A control group for each process."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        """Raises OSError where that is not permitted."""
        self._hierarchy = hierarchy
        self._groups: dict[Path, None] = {}
        self.description = f"a control group each (version {hierarchy.version}, cpu)"
        hierarchy.delegate()
        self._tidy()
        trial = self._group("trial")
        hierarchy.limit(trial, Quota.of(0.5))
        self._remove(trial)

    def hold(self, device: str, pid: int, *, share: float) -> None:
        group = self._group(f"{device}-{pid}")
        self._hierarchy.limit(group, Quota.of(share))
        (group / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        for group in tuple(self._groups):
            self._remove(group)

    def _tidy(self) -> None:
        """Remove what a run has left that was killed; its processes died with it."""
        for group in self._hierarchy.parent.glob(f"{_PREFIX}*"):
            owner = group.name.removeprefix(_PREFIX).partition("-")[0]
            if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
                self._remove(group)

    def _group(self, name: str) -> Path:
        group = self._hierarchy.parent / f"{_PREFIX}{os.getpid()}-{name}"
        group.mkdir(exist_ok=True)
        self._groups[group] = None
        return group

    def _remove(self, group: Path) -> None:
        """A group is empty a moment after its last process has ended."""
        deadline_s = time.monotonic() + _EMPTY_TIMEOUT_S
        while True:
            try:
                group.rmdir()
            except OSError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(_POLL_S)
            else:
                self._groups.pop(group, None)
                return


class PinnedCores(DeviceCpu):
    """Each device on one core, in turn. Its share is the whole core, or what others leave of it."""

    holds_shares = False

    def __init__(self, why: str) -> None:
        """why: there are no control groups."""
        self._cores = sorted(os.sched_getaffinity(0)) if _can_pin() else []
        self._core_of: dict[str, int] = {}
        how = f"pinned to one of {len(self._cores)} cores each" if self._cores else "not held"
        self.description = f"{how}, without a share ({why})"

    def hold(self, device: str, pid: int, *, share: float) -> None:
        del share
        if not self._cores:
            return
        place = self._core_of.setdefault(device, len(self._core_of))
        core = self._cores[place % len(self._cores)]
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def open_device_cpu(
    candidates: Callable[[], Iterator[Hierarchy]] | None = None,
) -> DeviceCpu:
    """The best that this machine permits."""
    why = "the cpu controller of control groups is not there"
    for hierarchy in (candidates or _hierarchies)():
        try:
            return ControlGroups(hierarchy)
        except OSError as error:
            why = f"control groups are not permitted: {error.strerror}"
    return PinnedCores(why)


def _can_pin() -> bool:
    return hasattr(os, "sched_setaffinity")


def _hierarchies() -> Iterator[Hierarchy]:
    """Where groups may be made: below our own group, as a service manager delegates, or at the
    top, which root may do."""
    if not _MOUNTS.exists() or not _OWN_GROUPS.exists():
        return
    own = dict(_own_groups(_OWN_GROUPS.read_text()))
    for mount, kind, options in _mounts(_MOUNTS.read_text()):
        if kind == "cgroup2" and "cpu" in _words(mount / "cgroup.controllers"):
            version, path = 2, own.get("")
        elif kind == "cgroup" and "cpu" in options:
            version, path = 1, own.get("cpu")
        else:
            continue
        if path is not None and path != "/":
            yield Hierarchy(version, mount / path.lstrip("/"))
        yield Hierarchy(version, mount)


def _mounts(text: str) -> Iterator[tuple[Path, str, list[str]]]:
    """Where, what kind, and with which options."""
    for line in text.splitlines():
        _, mount, kind, options, *_ = line.split()
        yield Path(mount), kind, options.split(",")


def _own_groups(text: str) -> Iterator[tuple[str, str]]:
    """This process's group by controller; that of version 2 has no controller."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        yield from ((controller, path) for controller in controllers.split(","))


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
