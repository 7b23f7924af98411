from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from fluid.bus.memory import MemoryBus
from fluid.cli.target import Target, target_options
from fluid.errors import CredentialsError
from tests.unit.fluid.client.fake_bus import FakeBus


@click.command()
@target_options
def show(*, target: Target) -> None:
    """Say which brokers the options mean."""
    click.echo(" ".join(map(str, target.buses())))
    target.client(timeout_s=1.0).close()


def run(*options: str, environment: str | None = None) -> Result:
    return CliRunner().invoke(show, options, env={"FLUID_BROKER": environment})


def test_without_a_word_it_is_the_broker_on_this_machine() -> None:
    assert run().stdout == "mqtt://127.0.0.1:1883\n"


@pytest.mark.parametrize(
    "options",
    [
        ("--broker", "mqtt://hall,mqtt://attic:1884"),
        ("--broker", "mqtt://hall", "--broker", "mqtt://attic:1884"),
    ],
)
def test_several_brokers_are_in_the_order_given(options: tuple[str, ...]) -> None:
    assert run(*options).stdout == "mqtt://hall:1883 mqtt://attic:1884\n"


def test_they_may_come_from_the_environment_and_options_come_first() -> None:
    environment = "mqtt://hall, mqtt://attic"
    assert run(environment=environment).stdout == "mqtt://hall:1883 mqtt://attic:1883\n"
    assert run("--broker", "mqtt://b", environment=environment).stdout == "mqtt://b:1883\n"


def test_certificate_files_may_come_from_the_environment(tmp_path: Path) -> None:
    missing = str(tmp_path / "ca.crt")
    environment = {"FLUID_BROKER": "mqtts://hall", "FLUID_CA_FILE": missing}
    result = CliRunner().invoke(show, env=environment)
    assert isinstance(result.exception, CredentialsError)
    assert str(result.exception) == f"{missing}: no such file; copy it there [ca_file_unusable]"


def test_certificate_files_without_encryption_are_a_usage_error(tmp_path: Path) -> None:
    result = run("--broker", "mqtt://hall", "--ca-file", str(tmp_path))
    assert result.exit_code == 2
    assert "must begin with mqtts://" in result.stderr


@pytest.mark.parametrize(
    ("broker", "complaint"),
    [
        ("mqtt://hall,mqtt://hall:1883", "broker address 'mqtt://hall:1883' is given twice"),
        ("mqtt://hall,attic", "has a comma that no mqtt:// or mqtts:// follows"),
        ("mqtt://hall,mqtt://u:secret@attic/x", "must look like mqtt://"),
    ],
)
def test_addresses_that_cannot_be_used_are_a_usage_error(broker: str, complaint: str) -> None:
    result = run("--broker", broker)
    assert result.exit_code == 2
    assert "'--broker'" in result.stderr
    assert complaint in result.stderr
    assert "secret" not in result.stderr


def test_a_bus_that_is_given_is_used_instead() -> None:
    bus = MemoryBus()
    seen: list[object] = []

    @click.command()
    @target_options
    def look(*, target: Target) -> None:
        seen.extend(target.buses())

    assert CliRunner().invoke(look, obj=bus).exit_code == 0
    assert seen == [bus]
    assert CliRunner().invoke(show, obj=FakeBus()).exit_code == 0
