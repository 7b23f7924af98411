"""A folder plays the kernel's files. Whether a share holds is seen by the benchmark itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluid.bench import cpu_share
from fluid.bench.cpu_share import ControlGroups, Hierarchy, PinnedCores, Quota, open_device_cpu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")


@pytest.fixture(params=[1, 2])
def hierarchy(request: pytest.FixtureRequest, tmp_path: Path) -> Hierarchy:
    return Hierarchy(request.param, tmp_path)


@pytest.fixture
def _removable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's groups are removed with the files in them; folders are not."""

    def rmdir(folder: Path) -> None:
        for file in folder.iterdir():
            file.unlink()
        os.rmdir(folder)  # noqa: PTH106 - Path.rmdir is what is replaced

    monkeypatch.setattr(Path, "rmdir", rmdir)


def _only_group(hierarchy: Hierarchy) -> Path:
    (group,) = (each for each in hierarchy.parent.iterdir() if each.is_dir())
    return group


def test_a_share_is_a_quota_of_each_100_ms() -> None:
    assert Quota.of(0.2) == Quota(20_000, 100_000)
    assert str(Quota.of(0.2)) == "20 ms of every 100 ms"
    assert Quota.of(1.0) == Quota(100_000, 100_000)


def test_a_share_is_never_less_than_the_kernel_takes() -> None:
    assert Quota.of(0.001) == Quota(1_000, 100_000)


@pytest.mark.usefixtures("_removable")
def test_a_device_is_put_into_a_group_with_its_share(hierarchy: Hierarchy) -> None:
    with ControlGroups(hierarchy) as cpu:
        cpu.hold("master", 4711, share=0.2)
        group = _only_group(hierarchy)
        assert (group / "cgroup.procs").read_text() == "4711"
        if hierarchy.version == 2:
            assert (group / "cpu.max").read_text() == "20000 100000"
        else:
            assert (group / "cpu.cfs_quota_us").read_text() == "20000"
            assert (group / "cpu.cfs_period_us").read_text() == "100000"


@pytest.mark.usefixtures("_removable")
def test_no_group_is_left(hierarchy: Hierarchy) -> None:
    with ControlGroups(hierarchy) as cpu:
        cpu.hold("master", 4711, share=0.2)
        cpu.hold("worker", 4712, share=0.2)
    assert [each for each in hierarchy.parent.iterdir() if each.is_dir()] == []


@pytest.mark.usefixtures("_removable")
def test_groups_of_a_run_that_was_killed_are_removed(hierarchy: Hierarchy) -> None:
    ended, running = (hierarchy.parent / f"fluid-bench-{pid}-master" for pid in (2**22 + 1, 1))
    ended.mkdir()
    running.mkdir()
    with ControlGroups(hierarchy):
        assert not ended.exists()
        assert running.exists()


@pytest.mark.usefixtures("_removable")
def test_groups_say_that_they_are_used(hierarchy: Hierarchy) -> None:
    with open_device_cpu(lambda: iter([hierarchy])) as cpu:
        assert f"version {hierarchy.version}" in cpu.description


@pytest.mark.usefixtures("_removable")
def test_the_first_place_that_permits_it_is_taken(hierarchy: Hierarchy) -> None:
    absent = Hierarchy(hierarchy.version, hierarchy.parent / "absent")
    with open_device_cpu(lambda: iter([absent, hierarchy])) as cpu:
        assert isinstance(cpu, ControlGroups)


def test_without_permission_devices_are_pinned_and_the_report_says_why(tmp_path: Path) -> None:
    absent = Hierarchy(1, tmp_path / "absent")
    with open_device_cpu(lambda: iter([absent])) as cpu:
        assert isinstance(cpu, PinnedCores)
        assert "pinned" in cpu.description
        assert "No such file" in cpu.description


def test_without_control_groups_the_report_says_that() -> None:
    with open_device_cpu(lambda: iter([])) as cpu:
        assert "not there" in cpu.description


def test_pinned_devices_have_one_core_each_in_turn() -> None:
    cores = sorted(os.sched_getaffinity(0))
    with subprocess.Popen(["sleep", "600"]) as process:
        cpu = PinnedCores("a test")
        cpu.hold("master", process.pid, share=0.2)
        assert os.sched_getaffinity(process.pid) == {cores[0]}
        process.kill()


def test_hierarchies_are_read_from_what_the_kernel_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts, groups, unified = tmp_path / "mounts", tmp_path / "cgroup", tmp_path / "unified"
    unified.mkdir()
    (unified / "cgroup.controllers").write_text("cpu memory\n")
    mounts.write_text(
        "tmpfs /tmp tmpfs rw 0 0\n"
        "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu,cpuacct 0 0\n"
        f"cgroup2 {unified} cgroup2 rw 0 0\n"
    )
    groups.write_text("4:cpu,cpuacct:/\n0::/user.slice\n")
    monkeypatch.setattr(cpu_share, "_MOUNTS", mounts)
    monkeypatch.setattr(cpu_share, "_OWN_GROUPS", groups)
    found: Iterator[Hierarchy] = cpu_share._hierarchies()
    assert list(found) == [
        Hierarchy(1, Path("/sys/fs/cgroup/cpu")),
        Hierarchy(2, unified / "user.slice"),
        Hierarchy(2, unified),
    ]
