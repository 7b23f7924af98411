"""What the suite ran on, as far as its numbers depend on it; no names of hosts or folders."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from broker.launcher import find_mosquitto
from fluid.interpreter import InterpreterPackage


@dataclass(frozen=True, slots=True)
class Environment:
    """processor: its model. cores: how many. images: what was sent."""

    processor: str
    cores: int
    python: str
    mosquitto: str
    interpreter: str
    images: str
    bundle: str

    @classmethod
    def here(cls, package: InterpreterPackage, *, images: str, bundle: str) -> "Environment":
        return cls(
            processor=_processor(),
            cores=len(os.sched_getaffinity(0)),
            python=platform.python_version(),
            mosquitto=_mosquitto(),
            interpreter=package.description,
            images=images,
            bundle=bundle,
        )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0]} ({platform.machine()})" if models else platform.machine()


def _mosquitto() -> str:
    """Its version; `mosquitto -h` says it in its first line and ends with a status of 3."""
    told = subprocess.run([find_mosquitto(), "-h"], capture_output=True, text=True, check=False)
    return told.stdout.partition("\n")[0].removeprefix("mosquitto version ").strip()
