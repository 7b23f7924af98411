"""What a command names is looked up where it would be found."""

import pytest

from tests.docs.programs import own_options, problems
from tests.docs.shell import commands


def found(line: str) -> list[str]:
    return [problem for command in commands(line) for problem in problems(command)]


@pytest.mark.parametrize(
    "line",
    [
        "fluid status --wait 2",
        "fluid status --wait N",
        "fluid mode ha",
        "fluid --version",
        "fluid train --dataset photos --output DIR ...",
        "fluid infer --min-subnetwork",
        "edge-agent --role master --id a --bundle b --broker mqtt://h",
        "edge-agent doctor --json",
        "python -m broker --port 1884",
        "python -m tests.simulation",
        "make sim SEEDS=10",
        "ansible-playbook deploy.yml --ask-vault-pass --tags bundle -e fluid_bundle=/path",
        "pip install '.[agent]'",
        "docker compose -f broker/compose.yaml up",
        "scripts/check lint",
        "openssl rand -hex 32",
    ],
)
def test_what_exists_is_let_pass(line: str) -> None:
    assert found(line) == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("fluid stats", "no command stats"),
        ("fluid status --wiat 2", "--wiat"),
        ("fluid status --wait two", "two"),
        ("fluid mode fast", "fast"),
        ("fluid train photos", "photos"),
        ("edge-agent --rule master", "--rule"),
        ("edge-agent --role boss", "boss"),
        ("edge-agent doctor --jsn", "--jsn"),
        ("python -m broker --prot 1", "--prot"),
        ("python -m tests.gone", "tests.gone"),
        ("make dmeo", "dmeo"),
        ("make sim SEDS=3", "SEDS="),
        ("ansible-playbook deply.yml", "deply.yml"),
        ("ansible-playbook deploy.yml --tags bundles", "bundles"),
        ("ansible-playbook deploy.yml --ask-vault-word", "--ask-vault-word"),
        ("pip install '.[agents]'", "agents"),
        ("docker compose -f broker/gone.yaml up", "broker/gone.yaml"),
        ("scripts/gone", "scripts/gone"),
    ],
)
def test_what_does_not_exist_is_named(line: str, word: str) -> None:
    (problem,) = found(line)
    assert word in problem


def test_options_of_all_our_commands_are_known() -> None:
    assert {"--wait", "--pin-slot", "--json", "--persistence", "--version"} <= own_options()
