"""Tells, as one JSON object, what the playbooks must know of a host. Changes nothing.

Sent through ssh to the host's own Python, which may be any since 3.6. It stands for Ansible's
facts, which take ten times as long on a small device.
"""

import glob
import json
import os
import platform
import pwd
import struct
import subprocess
import sys
import time


def output(*command):
    """What a command prints; nothing if it fails or does not exist."""
    try:
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        ).stdout.decode()
    except OSError:
        return ""


def lines_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().split()
    except OSError:
        return []


def runs_from_before(unit, *patterns):
    """Whether a service was started before one of these files was put in place, as after a run that
    ended between the two. By the age of its process, which a clock that was set does not change."""
    pid = output("systemctl", "show", "--property=MainPID", "--value", unit)
    try:
        with open(f"/proc/{int(pid)}/stat", encoding="utf-8") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/uptime", encoding="utf-8") as file:
            age = float(file.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return False  # it does not run
    now = time.time()
    placed = [os.lstat(path).st_mtime for pattern in patterns for path in glob.glob(pattern)]
    return any(now - age < each <= now for each in placed)


def target_of(link):
    return os.path.basename(os.readlink(link)) if os.path.islink(link) else ""


machine = platform.machine()
if struct.calcsize("P") == 4:
    # A 64-bit kernel under a 32-bit system: what counts is what Python was built for.
    machine = {"aarch64": "armv7l", "x86_64": "i686"}.get(machine, machine)
packages = sys.argv[1:]
installed = output("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n", *packages)
print(
    json.dumps(
        {
            "machine": machine,
            "python": "{}.{}".format(*sys.version_info),
            "systemd": os.path.isdir("/run/systemd/system"),
            "apt": os.path.exists("/usr/bin/apt-get"),
            "root": os.geteuid() == 0,
            "packages": [line[3:] for line in installed.splitlines() if line.startswith("ii ")],
            "added_packages": lines_of("/etc/fluid/added-packages"),
            "users": [each.pw_name for each in pwd.getpwall()],
            "agent": target_of("/opt/fluid/venv"),
            "bundle": target_of("/var/lib/fluid/bundle"),
            # Its manifest is the last file that is unpacked.
            "bundles": [
                os.path.basename(os.path.dirname(path))
                for path in glob.glob("/var/lib/fluid/bundles/*/bundle.json")
            ],
            "previous": target_of("/var/lib/fluid/previous"),
            # Also while systemd waits to start it again.
            "agent_active": output("systemctl", "is-active", "fluid-agent").strip()
            in ("active", "activating", "reloading"),
            "agent_enabled": output("systemctl", "is-enabled", "fluid-agent").strip() == "enabled",
            "agent_from_before": runs_from_before(
                "fluid-agent",
                "/opt/fluid/venv",
                "/etc/fluid/agent.env",
                "/etc/fluid/session-secret",
                "/etc/fluid/tls/*",
                "/etc/systemd/system/fluid-agent.service",
            ),
            "broker_from_before": runs_from_before(
                "mosquitto",
                "/etc/mosquitto/fluid/*",
                "/etc/mosquitto/conf.d/fluid*.conf",
                "/etc/systemd/system/mosquitto.service.d/fluid.conf",
            ),
        }
    )
)
