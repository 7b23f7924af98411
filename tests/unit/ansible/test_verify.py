"""The wait for agents to serve a bundle, with a stand-in for what asks the broker."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ansible.playbooks import run_play

pytestmark = pytest.mark.secured

ROLE = {"ansible.builtin.import_role": {"name": "bundle", "tasks_from": "verify"}}


def verify(folder: Path, *asked: str, patience_s: int) -> tuple[int, str]:
    variables: dict[str, Any] = {
        "bundle_ask": ["/bin/sh", "-euc", *asked],
        "bundle_wanted": ["pi"],
        "bundle_target": "abc",
        "bundle_patience_s": patience_s,
    }
    return run_play(folder, [ROLE], variables)


def test_an_agent_that_does_not_serve_is_named_once_patience_ends(tmp_path: Path) -> None:
    """And not by Ansible's own words about attempts."""
    status, said = verify(tmp_path, "exit 1", patience_s=3)
    assert status != 0
    assert "pi did not tell the broker of serving bundle abc within 3 s" in said


def test_the_wait_ends_as_the_agent_serves(tmp_path: Path) -> None:
    """At the third attempt, and long before patience ends."""
    told = json.dumps({"members": [{"agent": "pi", "state": "online", "bundle": "abcdef"}]})
    asked = 'echo . >>"$0"; [ "$(wc -l <"$0")" -lt 3 ] || echo "$1"'
    status, said = verify(tmp_path, asked, str(tmp_path / "attempts"), told, patience_s=3600)
    assert status == 0, said
    assert (tmp_path / "attempts").read_text(encoding="utf-8").count(".") == 3
