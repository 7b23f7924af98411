import sys
from pathlib import Path

import pytest

from fluid.bench.device_facts import device_facts
from fluid.bench.device_python import DevicePython
from fluid.bench.errors import BadDevicePython


def _program(folder: Path, *lines: str) -> DevicePython:
    """One that is called as a Python would be."""
    file = folder / "python"
    file.write_text("\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)
    return DevicePython(file)


def test_a_python_is_asked_what_it_has() -> None:
    assert DevicePython(Path(sys.executable)).facts() == device_facts()


def test_a_python_is_asked_how_long_it_takes(bundle_folder: Path) -> None:
    assert DevicePython(Path(sys.executable)).invoke_ms(bundle_folder) > 0


def test_a_bundle_that_it_cannot_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadDevicePython, match="bundle"):
        DevicePython(Path(sys.executable)).invoke_ms(tmp_path)


def test_a_module_is_run_by_the_program_that_was_named(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    command = DevicePython(link).command("edge_agent", "--id", "a")
    assert command == [str(link), "-m", "edge_agent", "--id", "a"]


def test_a_relative_name_holds_wherever_a_process_starts() -> None:
    assert Path(DevicePython(Path("build/python")).command("edge_agent")[0]).is_absolute()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["echo 'No module named numpy' >&2", "exit 1"], "No module named numpy"),
        (["echo Traceback >&2", "echo 'OSError: broken' >&2", "exit 1"], "OSError: broken"),
        (["exit 3"], "exit status 3"),
        (["echo hello"], "does not answer as a Python would"),
        (["echo '{}'"], "does not answer as a Python would"),
    ],
)
def test_one_that_cannot_run_an_agent_is_refused_with_the_reason_and_the_mend(
    lines: list[str], reason: str, tmp_path: Path
) -> None:
    program = _program(tmp_path, *lines)
    with pytest.raises(BadDevicePython, match="scripts/device-environment") as raised:
        program.facts()
    assert str(raised.value).startswith(f"{program.file}: cannot run an agent (")
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("")
    with pytest.raises(BadDevicePython, match="cannot be started: Permission denied"):
        DevicePython(file).facts()


def test_an_answer_that_is_no_time_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadDevicePython, match="does not answer"):
        _program(tmp_path, "echo soon").invoke_ms(tmp_path)
