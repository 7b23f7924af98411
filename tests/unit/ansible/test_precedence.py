"""What an inventory sets wins over what group_vars/all/main.yml presets."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.unit.ansible.loading import ANSIBLE
from tests.unit.ansible.playbooks import environment, program, run_playbook

pytestmark = pytest.mark.secured

HOSTS = "[workers]\npi\n"


def base_topic(folder: Path) -> str:
    """As a playbook of ansible/ sees it, with the inventory of that folder."""
    done = subprocess.run(
        [
            *(program("ansible-inventory"), "--inventory", str(folder / "inventory.ini")),
            *("--playbook-dir", str(ANSIBLE), "--host", "pi"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment(folder),
    )
    return str(json.loads(done.stdout)["fluid_base_topic"])


def test_the_preset_counts_where_nothing_else_is_said(tmp_path: Path) -> None:
    (tmp_path / "inventory.ini").write_text(HOSTS, encoding="utf-8")
    assert base_topic(tmp_path) == "fluid"


@pytest.mark.parametrize("group", ["all", "workers"])
def test_variables_of_an_inventory_count(tmp_path: Path, group: str) -> None:
    more = f"[{group}:vars]\nfluid_base_topic=mine\n"
    (tmp_path / "inventory.ini").write_text(HOSTS + more, encoding="utf-8")
    assert base_topic(tmp_path) == "mine"


@pytest.mark.parametrize("group", ["all", "workers"])
def test_group_vars_beside_an_inventory_count(tmp_path: Path, group: str) -> None:
    (tmp_path / "inventory.ini").write_text(HOSTS, encoding="utf-8")
    (tmp_path / "group_vars").mkdir()
    variables = tmp_path / "group_vars" / f"{group}.yml"
    variables.write_text("fluid_base_topic: mine\n", encoding="utf-8")
    assert base_topic(tmp_path) == "mine"


def test_an_inventory_without_any_of_our_hosts_is_no_success(tmp_path: Path) -> None:
    status, said = run_playbook(tmp_path, "deploy.yml", "[others]\npi\n")
    assert status != 0
    assert "the inventory has no broker" in said
    assert "the inventory has no master" in said


def test_a_deployment_that_does_not_read_the_configuration_is_refused(tmp_path: Path) -> None:
    """The preflight stops it, with all else that is wrong: nobody listens at port 1."""
    inventory = "[brokers]\npi ansible_host=127.0.0.1 ansible_port=1\n"
    cache = ("-e", f"fluid_cache_dir={tmp_path}/cache")
    order = ("all_inventory", "all_plugins_play")
    status, said = run_playbook(tmp_path, "deploy.yml", inventory, *cache, order=order)
    assert status != 0
    assert "the ansible.cfg of these playbooks is not read" in said
    assert "pi cannot be reached over ssh" in said
    status, said = run_playbook(tmp_path, "deploy.yml", inventory, *cache)
    assert status != 0
    assert "the ansible.cfg" not in said
    assert "pi cannot be reached over ssh" in said
