"""How tests start an example: as its reader would, with what it needs, or not at all."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TIMEOUT_S = 600.0  # only to end a failing test: the machine may be busy
_REQUIRED = "FLUID_EXAMPLES_REQUIRED"


def need_program(name: str) -> None:
    """Skip the test where a program is missing."""
    if shutil.which(name) is None:
        missing(f"{name} is not installed")


def need_library(module: str, package: str) -> None:
    """Skip the test where a Python library is missing."""
    if importlib.util.find_spec(module) is None:
        missing(f"{package} is not installed: pip install '.[examples]'")


def missing(reason: str) -> None:
    """Skip the test; where all examples are required, fail it."""
    if os.environ.get(_REQUIRED) == "1":
        pytest.fail(f"{reason}, and {_REQUIRED}=1")
    pytest.skip(reason)


def environment(broker: str = "") -> dict[str, str]:
    """That of an example: our packages can be imported, and the broker is named."""
    named = {"FLUID_BROKER": broker} if broker else {}
    return os.environ | {"PYTHONPATH": str(ROOT), "FLUID_PYTHON": sys.executable} | named


def run(
    command: Iterable[object], *, env: Mapping[str, str], folder: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run an example to its end."""
    return subprocess.run(
        [str(each) for each in command],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
