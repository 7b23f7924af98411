"""Runs plays on the controller alone, in a temporary folder, where Ansible is installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.ansible.loading import ANSIBLE

_TIMEOUT_S = 120


def program(name: str) -> str:
    """The path of one of Ansible's programs; skips the test where there is none."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = shutil.which(name, path=beside)
    if found is None:
        pytest.skip("Ansible comes with the extra `deploy`")
    return found


def environment(folder: Path) -> dict[str, str]:
    """Of the programs: with the configuration of ansible/, and without what it leaves at home."""
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "",
    }


def run_play(
    folder: Path, tasks: Sequence[dict[str, Any]], variables: dict[str, Any], *options: str
) -> tuple[int, str]:
    """The status and the output of a play on the host `pi`, which is this one."""
    play = {"hosts": "all", "gather_facts": False, "tasks": list(tasks)}
    playbook = folder / "play.yml"
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    settings = folder / "settings.yml"
    local = {"ansible_connection": "local", "ansible_python_interpreter": _python()}
    settings.write_text(yaml.safe_dump(local | variables), encoding="utf-8")
    done = subprocess.run(
        [program("ansible-playbook"), "-i", "pi,", "-e", f"@{settings}", *options, str(playbook)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
        env=environment(folder) | {"ANSIBLE_FILTER_PLUGINS": str(ANSIBLE / "filter_plugins")},
    )
    return done.returncode, done.stdout + done.stderr


def run_playbook(
    folder: Path, name: str, inventory: str, *options: str, order: Sequence[str] = ()
) -> tuple[int, str]:
    """The status and the output of `ansible/<name>`. inventory: its text. order: of precedence, if
    another than the configured one."""
    hosts = folder / "inventory.ini"
    hosts.write_text(inventory, encoding="utf-8")
    done = subprocess.run(
        [program("ansible-playbook"), "-i", str(hosts), *options, str(ANSIBLE / name)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
        env=environment(folder) | ({"ANSIBLE_PRECEDENCE": ",".join(order)} if order else {}),
    )
    return done.returncode, done.stdout + done.stderr


def _python() -> str:
    return str(Path(program("ansible-playbook")).parent / "python")
