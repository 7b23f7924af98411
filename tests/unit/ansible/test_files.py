"""The module that puts files in place, run as Ansible runs it on a host."""

import getpass
import grp
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ansible.loading import ANSIBLE

pytest.importorskip("ansible.module_utils.basic", reason="comes with the extra `deploy`")

SECRET = "what nobody may read"  # noqa: S105 - of a test


def put(*files: dict[str, Any], check: bool = False) -> dict[str, Any]:
    """What the module answers, for files of whoever runs the tests."""
    own = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}
    arguments = {
        "files": [own | each for each in files],
        "_ansible_check_mode": check,
        "_ansible_diff": True,
        "_ansible_remote_tmp": "/tmp",  # noqa: S108 - as on a host
    }
    done = subprocess.run(
        [sys.executable, str(ANSIBLE / "library/fluid_files.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_what_is_in_place_is_left_alone(tmp_path: Path) -> None:
    files: list[dict[str, Any]] = [
        {"path": str(tmp_path / "folder"), "state": "directory", "mode": "0750"},
        {"path": str(tmp_path / "folder/file"), "content": "text\n", "mode": "0640"},
        {"path": str(tmp_path / "folder/key"), "secret": SECRET, "mode": "0600"},
        {"path": str(tmp_path / "link"), "link": "folder"},
        {"path": str(tmp_path / "gone"), "state": "absent"},
    ]
    assert put(*files)["changed_files"] == [each["path"] for each in files[:4]]
    assert (tmp_path / "link/file").read_text() == "text\n"
    assert (tmp_path / "folder/key").stat().st_mode & 0o777 == 0o600
    assert not put(*files)["changed"]


def test_a_check_tells_what_it_would_change_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "file"
    answer = put({"path": str(path), "content": "text\n"}, check=True)
    assert answer["changed_files"] == [str(path)]
    assert [each["after"] for each in answer["diff"]] == ["text\n"]
    assert list(tmp_path.iterdir()) == []


def test_rights_alone_are_a_change(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("text\n")
    path.chmod(0o644)
    assert put({"path": str(path), "content": "text\n", "mode": "0600"})["changed"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    answer = put({"path": str(tmp_path / "key"), "secret": SECRET})
    assert answer["changed"]
    assert SECRET not in json.dumps(answer)


def test_a_file_that_is_not_valid_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before\n")
    answer = put({"path": str(path), "content": "after\n", "validate": "grep -q before %s"})
    assert answer["failed"]
    assert path.read_text() == "before\n"
    assert list(tmp_path.iterdir()) == [path]


def test_whatever_is_there_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").touch()
    (tmp_path / "link").symlink_to("folder")
    assert put({"path": str(tmp_path / "link"), "state": "absent"})["changed"]
    assert folder.is_dir()
    assert put({"path": str(folder), "state": "absent"})["changed"]
    assert list(tmp_path.iterdir()) == []
