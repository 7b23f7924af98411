"""What the demonstration refuses before it starts anything."""

from pathlib import Path

from click.testing import CliRunner

from fluid.cli import main


def test_an_unknown_data_set_is_refused_as_train_refuses_it(tmp_path: Path) -> None:
    output = tmp_path / "kept"
    result = CliRunner().invoke(main, ["demo", "--dataset", "cats", "--output", str(output)])
    assert result.exit_code == 2
    assert "'--dataset': 'cats' is not one of 'digits', 'mnist'" in result.stderr
    assert not output.exists()
