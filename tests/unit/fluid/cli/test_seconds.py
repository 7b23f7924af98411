import click
import pytest
from click.testing import CliRunner

from fluid.cli import main
from fluid.cli.seconds import Seconds


@pytest.mark.parametrize(("text", "seconds"), [("0.05", 0.05), ("1e-9", 1e-9), ("86400", 86_400.0)])
def test_a_time_of_up_to_a_day_is_taken(text: str, seconds: float) -> None:
    assert Seconds().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "86400.1", "1e300", "inf", "-inf", "nan", "-nan", "x"])
def test_another_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Seconds().convert(text, None, None)


@pytest.mark.parametrize("command", [["infer", "a.png"], ["mode", "ha"]])
@pytest.mark.parametrize("text", ["nan", "inf", "86401"])
def test_commands_that_wait_take_no_other_time(command: list[str], text: str) -> None:
    result = CliRunner().invoke(main, [*command, "--timeout", text])
    assert result.exit_code == 2
    assert "Invalid value for '--timeout'" in result.stderr
