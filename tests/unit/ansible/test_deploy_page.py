"""docs/deploy.md names what is in ansible/: variables with their defaults, and what a run says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.unit.ansible.loading import ANSIBLE, REPOSITORY

PAGE = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
FAILURES = PAGE[PAGE.index("## When something fails") :]
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in (ANSIBLE, REPOSITORY / "edge_agent", REPOSITORY / "fluid")
    for path in sorted(folder.rglob("*"))
    if path.suffix in {".py", ".yml"} and ".cache" not in path.parts
)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s\"',:]+", "", text)


# What the code can say: without values, and with what stands in several strings as one.
SAID = _squeezed(re.sub(r"([\"'])\s*\n\s*f?[\"']", "", re.sub(r"\{[^{}\n]*\}+", "", SOURCES)))
# Said by Ansible or systemd, or the name of a program.
OF_OTHERS = {
    "Attempting to decrypt but no vault secrets found",
    "couldn't resolve module/action 'community.crypto...'",
    "Unable to start service fluid-agent",
    "mosquitto",
    "mosquitto_pub",
    "Watchdog timeout",
    "skipping: no hosts matched",
    "rollback.yml",
}


def defaults() -> dict[str, Any]:
    files = [ANSIBLE / "group_vars" / "all" / "main.yml", *ANSIBLE.glob("roles/*/defaults/*.yml")]
    found: dict[str, Any] = {}
    for file in files:
        found |= yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def settings() -> Iterator[tuple[str, str]]:
    section = PAGE[PAGE.index("## Settings") : PAGE.index("## 32-bit systems")]
    for names, values, *_ in rows(section):
        yield from zip(re.findall(r"`([^`]+)`", names), values.split(", "), strict=True)


@pytest.mark.parametrize(("name", "value"), [*settings()])
def test_each_setting_exists_and_has_the_default_that_is_told(name: str, value: str) -> None:
    default = defaults()[name]
    if isinstance(default, str) and "{{" in default:  # put together of others
        return
    told = value.strip("`").removesuffix(" (none)")
    assert yaml.safe_load(told) == default


def test_every_other_variable_that_is_named_exists() -> None:
    named = set(re.findall(r"\b(?:fluid|agent|broker|bundle|pki|wheelhouse)_[a-z_]+\b", PAGE))
    named -= {"fluid_session_secret"}  # of the vault
    vault = (ANSIBLE / "group_vars" / "all" / "vault.yml.example").read_text(encoding="utf-8")
    assert "fluid_session_secret:" in vault
    assert named - set(defaults()) - {"broker_changed", "broker_silent", "bundle_refused"} == set()


def quotations() -> Iterator[str]:
    for cells in rows(FAILURES):
        yield from (each for each in re.findall(r"`([^`]+)`", cells[0]) if each not in OF_OTHERS)


@pytest.mark.parametrize("quoted", [*quotations()])
def test_what_a_run_or_an_agent_is_quoted_to_say_is_what_it_says(quoted: str) -> None:
    """Each part between what stands for a value, anywhere in the code."""
    values = r"\.\.\.|\b(?:HOST|AGENT|NAME)\b|127\.0\.0\.1|\b\d+\b|'fluid'"
    missing = [part for part in re.split(values, quoted) if _squeezed(part) not in SAID]
    assert missing == []
