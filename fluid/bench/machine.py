"""What the benchmark ran on, as far as its numbers depend on it; no names of hosts or folders."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from fluid.bench.device_facts import DeviceFacts

# Debian puts Mosquitto where only root's PATH leads.
_MORE_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
_GIB = 1 << 30


def describe_machine(devices: DeviceFacts) -> dict[str, str]:
    """By name for people."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count() or 1),
        "memory": f"{_memory_bytes() / _GIB:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "Python of the devices": devices.python,
        "interpreter": devices.interpreter,
        "NumPy": devices.numpy,
        "paho-mqtt": devices.paho_mqtt,
        "Mosquitto": _mosquitto(),
    }


def load_average() -> str:
    """Of the last minute: what else the machine has to do, before anything is measured."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0]} ({platform.machine()})" if models else platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _mosquitto() -> str:
    """Its version; `mosquitto -h` says it in its first line and ends with a status of 3."""
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *_MORE_FOLDERS))
    program = shutil.which("mosquitto", path=folders)
    if program is None:
        return "not found"
    told = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)
    return told.stdout.partition("\n")[0].removeprefix("mosquitto version ").strip()
