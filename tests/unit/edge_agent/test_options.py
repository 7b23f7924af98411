import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from edge_agent.options import Options, agent_options

# As a service manager sets them, one for each option.
VARIABLES = {
    "FLUID_ID": "pi-7",
    "FLUID_ROLE": "master",
    "FLUID_BROKER": "mqtts://hall:8884,mqtts://attic:8884",
    "FLUID_CA_FILE": "/etc/fluid/tls/ca.crt",
    "FLUID_CERT_FILE": "/etc/fluid/tls/agent.crt",
    "FLUID_KEY_FILE": "/etc/fluid/tls/agent.key",
    "FLUID_SESSION_SECRET_FILE": "/etc/fluid/session-secret",
    "FLUID_BUNDLE": "/var/lib/fluid/bundle",
    "FLUID_BASE_TOPIC": "hall",
    "FLUID_VOTE": "ht",
    "FLUID_MAX_SLOTS": "2",
    "FLUID_PIN_SLOT": "lower upper",
    "FLUID_CAPACITY": "2.5",
    "FLUID_FORGET_AFTER": "7d",
    "FLUID_IN_FLIGHT": "16",
    "FLUID_METRICS_PORT": "9464",
    "FLUID_METRICS_HOST": "0.0.0.0",
    "FLUID_HOME_ASSISTANT": "true",
    "FLUID_HOME_ASSISTANT_PREFIX": "ha",
    "FLUID_LOG_FORMAT": "json",
    "FLUID_VERBOSE": "true",
}


def read(*arguments: str, variables: dict[str, str] | None = None) -> Options:
    seen: list[Options] = []

    @click.command()
    @agent_options
    def command(*, options: Options) -> None:
        seen.append(options)

    result = CliRunner().invoke(command, arguments, env=variables or {})
    assert result.exit_code == 0, result.output
    return seen[0]


def test_each_option_may_come_from_its_variable() -> None:
    options = read(variables=VARIABLES)
    assert (options.agent_id, options.role, options.vote) == ("pi-7", "master", "ht")
    assert options.tls.ca_file == Path("/etc/fluid/tls/ca.crt")
    assert options.tls.key_file == Path("/etc/fluid/tls/agent.key")
    assert options.session_secret_file == Path("/etc/fluid/session-secret")
    assert options.bundle_folder == Path("/var/lib/fluid/bundle")
    assert (options.max_slots, options.pins, options.in_flight) == (2, ("lower", "upper"), 16)
    assert (options.capacity, options.forget_after_s) == (2.5, 7 * 86_400)
    assert (options.metrics_port, options.metrics_host) == (9464, "0.0.0.0")
    assert (options.home_assistant, options.home_assistant_prefix) == (True, "ha")
    assert (options.log_format, options.verbose, options.base_topic) == ("json", True, "hall")


def test_what_is_said_on_the_command_line_counts_more() -> None:
    options = read("--id", "pi-8", "--max-slots", "3", variables=VARIABLES)
    assert (options.agent_id, options.max_slots, options.role) == ("pi-8", 3, "master")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [((), None), (("--home-assistant",), True), (("--no-home-assistant",), False)],
)
def test_home_assistant_is_told_removed_or_left_alone(
    *, arguments: tuple[str, ...], told: bool | None
) -> None:
    given = ("--id", "pi-8", "--bundle", "b", *arguments)
    assert read(*given).home_assistant is told
    assert read(*given).home_assistant_prefix == "homeassistant"


def test_the_help_names_every_variable() -> None:
    command = click.command()(agent_options(lambda: None))
    shown = CliRunner().invoke(command, ["--help"], env={"COLUMNS": "200"}).output
    assert set(re.findall(r"FLUID_[A-Z_]+", shown)) == set(VARIABLES)
    of_options = [each for each in command.params if isinstance(each, click.Option)]
    assert {each.envvar for each in of_options} == set(VARIABLES)


@pytest.mark.parametrize("missing", ["FLUID_ID", "FLUID_BUNDLE"])
def test_what_has_no_default_must_be_given(missing: str) -> None:
    variables = {name: value for name, value in VARIABLES.items() if name != missing}
    command = click.command()(agent_options(lambda: None))
    result = CliRunner().invoke(command, [], env=variables)
    assert result.exit_code == 2
    assert missing in result.stderr
