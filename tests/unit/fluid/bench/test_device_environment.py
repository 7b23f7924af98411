"""scripts/device-environment, with a Python that writes down what it is told."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SCRIPT = Path("scripts/device-environment")
WHEELS = Path("ansible/roles/wheelhouse/files/locks/cp311-aarch64.txt")
PYTHON = """\
#!/usr/bin/env bash
case "$*" in
  -c*) exit "$UNUSABLE" ;;
  --version) echo Python 3.11.2 ;;
  "-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  *) echo "$*" >>"$LOG"; exit "$OFFLINE" ;;
esac
"""


class Clone:
    """A folder with the script and what it reads, and the Pythons that it finds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        for file in (SCRIPT, WHEELS, Path("pyproject.toml")):
            (folder / file.parent).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
        (folder / "programs").mkdir()
        for name in ("python3.11", "python3"):
            program = folder / "programs" / name
            program.write_text(PYTHON)
            program.chmod(0o755)

    def run(
        self, *, unusable: bool = False, offline: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        """unusable: no Python is one for tflite-runtime. offline: pip fails."""
        environment = {
            "PATH": f"{self.folder / 'programs'}:{os.environ['PATH']}",
            "LOG": str(self.log),
            "UNUSABLE": str(int(unusable)),
            "OFFLINE": str(int(offline)),
        }
        command = [str(self.folder / SCRIPT)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def installed(self) -> list[str]:
        """What pip was told, call by call."""
        return self.log.read_text().splitlines()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_devices_get_the_wheels_of_a_raspberry_pi_and_this_project(clone: Clone) -> None:
    made = clone.run()
    assert (made.returncode, made.stdout) == (0, "build/device/bin/python\n")
    wheels, project = clone.installed()
    assert "tflite-runtime==2.14.0" in wheels.split()
    assert "--no-deps" in wheels.split()
    assert not [each for each in wheels.split() if "sha256" in each or each == "#"]
    assert project.endswith("--no-deps -e .")


def test_nothing_is_done_again_until_something_has_changed(clone: Clone) -> None:
    clone.run()
    again = clone.run()
    assert (again.returncode, again.stdout, again.stderr) == (0, "build/device/bin/python\n", "")
    assert len(clone.installed()) == 2
    with (clone.folder / WHEELS).open("a") as wheels:
        wheels.write("more==1.0 --hash=sha256:0\n")
    clone.run()
    assert clone.installed()[2].endswith(" more==1.0")


def test_without_wheels_devices_get_the_python_of_the_project_and_are_told_why(
    clone: Clone,
) -> None:
    made = clone.run(unusable=True)
    assert (made.returncode, made.stdout) == (0, ".venv/bin/python\n")
    assert "tflite-runtime has wheels for Python 3.11 on Linux" in made.stderr


def test_what_pip_cannot_install_is_no_environment(clone: Clone) -> None:
    failed = clone.run(offline=True)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "pip could not install what devices have" in failed.stderr
    assert clone.run().stdout == "build/device/bin/python\n"
    assert len(clone.installed()) == 3
