"""The image of a device: Debian 12 for aarch64 with systemd and sshd, as Raspberry Pi OS is.

No registry is asked: debootstrap makes the root file system and `docker import` takes it. The tag
is a hash of everything that goes into it, so that the next run finds it.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.fleet.commands import CommandFailed, ensure_programs, run
from tests.fleet.engine import EngineUnavailable
from tests.fleet.progress import Progress, say

REPOSITORY = "fluid-pi"
SUITE = "bookworm"

# Of Debian packages; without it, the one that debootstrap knows.
_MIRROR = os.environ.get("FLUID_FLEET_MIRROR", "")
_PACKAGES = (
    "dbus,iproute2,openssh-server,procps,python3,python3-apt,python3-venv,systemd,systemd-sysv"
)
_TOOLS = {"debootstrap": "debootstrap", "qemu-aarch64-static": "qemu-user-static"}
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_BINFMT_LINE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
_BUILD_TIMEOUT_S = 1500.0

# What is done to the root file system, inside it.
#
# - The processor is a Pi 4's; systemd gives services nothing of its own environment, so it is told.
# - A container has no hardware clock, consoles or kernel log of its own, and a boot that waits
#   for them, four times over on an emulator, is time for nothing.
# - The packages that the playbook installs are fetched, not installed: what is measured is the
#   playbook, not the mirror.
_SETUP = r"""
set -eu
export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/systemd/system.conf.d /var/log/journal
printf '[Manager]\nDefaultEnvironment=QEMU_CPU=cortex-a72\n' >/etc/systemd/system.conf.d/cpu.conf
echo 'QEMU_CPU=cortex-a72' >>/etc/environment
for unit in getty.target console-getty.service systemd-logind.service systemd-udevd.service \
  systemd-udev-trigger.service apt-daily.timer \
  apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  systemd-remount-fs.service dev-hugepages.mount sys-kernel-debug.mount \
  sys-kernel-tracing.mount systemd-modules-load.service; do
  ln -sf /dev/null /etc/systemd/system/$unit
done
printf 'UseDNS no\nGSSAPIAuthentication no\nMaxStartups 50\n' >/etc/ssh/sshd_config.d/fleet.conf
sed -i '/pam_motd\|pam_mail\|pam_systemd/d' /etc/pam.d/sshd /etc/pam.d/common-session
apt-get clean
apt-get update
apt-get install -y --no-install-recommends --download-only mosquitto mosquitto-clients
rm -f /etc/machine-id
touch /etc/machine-id
"""


def ensure_image(client: Any) -> str:
    """The name of the image, made now if the engine does not have it.

    Raises `EngineUnavailable` where it cannot be made.
    """
    recipe = "\n".join((SUITE, _MIRROR, _PACKAGES, _SETUP))
    tag = f"{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    name = f"{REPOSITORY}:{tag}"
    try:
        ensure_emulation()
        if client.images.list(name=name):
            say(f"the image of the devices is there: {name}")
        else:
            _build(client, tag)
    except CommandFailed as error:
        raise EngineUnavailable(f"the image of the devices cannot be made: {error}") from error
    return name


def ensure_emulation() -> None:
    """Have the kernel start aarch64 programs with qemu. Raises `CommandFailed`."""
    if os.uname().machine == "aarch64":
        return
    ensure_programs(_TOOLS)
    if not (_BINFMT / "register").exists():
        run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(_BINFMT)], timeout_s=10)
    if (_BINFMT / "qemu-aarch64").exists():
        return
    try:
        line = _BINFMT_LINE.read_text(encoding="ascii").strip()
        (_BINFMT / "register").write_text(line, encoding="ascii")
    except OSError as error:
        raise CommandFailed(f"aarch64 cannot be registered with binfmt_misc: {error}") from error


def _build(client: Any, tag: str) -> None:
    if os.geteuid() != 0:
        raise CommandFailed("debootstrap needs root; run as root once, then the image is there")
    folder = Path(tempfile.mkdtemp(prefix="fluid-pi-"))
    root = folder / "root"
    try:
        run(
            ["debootstrap", "--arch=arm64", "--variant=minbase", f"--include={_PACKAGES}",
             SUITE, str(root), *filter(None, [_MIRROR])],
            timeout_s=_BUILD_TIMEOUT_S,
            progress=Progress("debootstrap"),
        )  # fmt: skip
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        run(
            ["chroot", str(root), "/bin/sh", "-s"],
            timeout_s=_BUILD_TIMEOUT_S,
            stdin=_SETUP,
            progress=Progress("the setup of the image"),
        )
        say("the image goes into the engine")
        _import(client, root, tag)
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Delete what was built, but never through a mount: an interrupted debootstrap leaves /proc."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    inside = [each.split()[1] for each in mounts if each.split()[1].startswith(f"{folder}/")]
    for mount in sorted(inside, reverse=True):
        run(["umount", mount], timeout_s=30)  # raises, and leaves the folder, if it cannot
    shutil.rmtree(folder, ignore_errors=True)


def _import(client: Any, root: Path, tag: str) -> None:
    """Stream the root file system into the engine: as a file it would need its size twice."""
    read_end, write_end = os.pipe()

    def write() -> None:
        with (
            suppress(BrokenPipeError),  # the engine has refused it, and says why
            os.fdopen(write_end, "wb") as output,
            tarfile.open(fileobj=output, mode="w|") as tar,
        ):
            tar.add(root, arcname=".", filter=_without_debris)

    writer = threading.Thread(target=write, name="image", daemon=True)
    writer.start()
    with os.fdopen(read_end, "rb") as stream:
        client.api.import_image_from_stream(
            stream,
            repository=REPOSITORY,
            tag=tag,
            changes=['CMD ["/sbin/init"]'],
        )
    writer.join()


def _without_debris(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """No work files of debootstrap, and nothing of the kernel's."""
    return None if entry.name.startswith(("./debootstrap", "./proc/", "./sys/")) else entry
