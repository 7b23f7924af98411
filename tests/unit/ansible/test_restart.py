"""Agents that have changed are restarted one after the other, and no further than they serve."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ansible.loading import ANSIBLE, load
from tests.unit.ansible.playbooks import run_playbook

pytestmark = pytest.mark.secured

# In place of the device's: it notes what it is told, and the first restart fails.
SYSTEMCTL = """\
#!/bin/sh
case $1 in
show) printf 'LoadState=loaded\\nActiveState=active\\n' ;;
is-enabled) echo enabled ;;
restart) echo restart >>"$0.log"; exit 1 ;;
esac
"""
# What deploy.yml knows of the hosts once preflight and wheelhouse have run.
KNOWN: dict[str, Any] = {
    "ansible_connection": "local",
    "ansible_become": False,
    "fluid_session_secret": "x" * 16,
    "preflight_bundle": {"name": "abc"},
    "preflight_device": {
        "agent": "venv-def",
        "agent_active": True,
        "agent_enabled": True,
        "agent_from_before": True,
        "bundle": "abc",
    },
    "wheelhouse_wheels": {"name": "def"},
}
RESTART = "Restart the agents that have changed, one device after the other"


def restart_play(folder: Path) -> str:
    """A playbook that ends with that play, and begins with what notes who is to be restarted."""
    deploy = (ANSIBLE / "deploy.yml").read_text(encoding="utf-8")
    play = next(each for each in deploy.split("\n\n") if each.startswith(f"- name: {RESTART}"))
    name = folder / "restart.yml"
    name.write_text(
        "- hosts: workers\n  tasks:\n    - ansible.builtin.import_role:\n"
        f"        name: agent\n        tasks_from: service\n{play}\n",
        encoding="utf-8",
    )
    return str(name)


def test_an_agent_that_does_not_start_keeps_the_others_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(SYSTEMCTL, encoding="utf-8")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{systemctl.parent}{os.pathsep}{os.environ['PATH']}")
    status, said = run_playbook(
        tmp_path, restart_play(tmp_path), "[workers]\na\nb\n", "-e", json.dumps(KNOWN)
    )
    assert status != 0
    assert "Unable to restart service fluid-agent" in said
    restarts = systemctl.with_name("systemctl.log").read_text(encoding="utf-8")
    assert restarts.count("restart") == 1


@pytest.mark.parametrize(
    ("age_s", "from_before"), [(0.0, True), (86400.0 * 365, False), (-3600.0, False)]
)
def test_a_service_is_older_than_what_was_put_in_place_after_it_began(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    age_s: float,
    from_before: bool,  # noqa: FBT001 - a parameter
) -> None:
    """A time to come tells nothing: it was written by a clock that was wrong."""
    probe = load("roles/preflight/files/probe.py")
    monkeypatch.setattr(probe, "output", lambda *_command: f"{os.getpid()}\n")
    file = tmp_path / "agent.env"
    file.touch()
    placed = time.time() - age_s
    os.utime(file, (placed, placed))
    assert probe.runs_from_before("fluid-agent", str(tmp_path / "*")) is from_before


@pytest.mark.parametrize("pid", ["", "0", "none"])
def test_a_service_that_does_not_run_is_not_older(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pid: str,
) -> None:
    probe = load("roles/preflight/files/probe.py")
    monkeypatch.setattr(probe, "output", lambda *_command: pid)
    assert not probe.runs_from_before("fluid-agent", str(tmp_path))
