import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluid.cli import main
from fluid.cli.completion import PROGRAMS, SHELLS

# What bash does when the user presses Tab at the end of these words.
_PRESS_TAB = """
compopt() {{ :; }}  # only bash itself may call it, during a completion
COMP_WORDS=({words}) COMP_CWORD={last}
"_{function}_completion" {program}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def path_with_our_commands() -> str:
    scripts = Path(sys.executable).parent
    if not all((scripts / program).exists() for program in PROGRAMS):
        pytest.skip("fluid-edge is not installed: its commands have no scripts")
    return f"{scripts}:/usr/bin:/bin"


def completed(words: str, *, path: str) -> list[str]:
    """What the bash script offers for the last of these words; a dot is an empty word."""
    program = words.split(maxsplit=1)[0]
    script = CliRunner().invoke(main, ["completion", "bash", "--program", program]).stdout
    press_tab = _PRESS_TAB.format(
        words=words.replace(" .", " ''"),
        last=len(words.split()) - 1,
        function=program.replace("-", "_"),
        program=program,
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script + press_tab],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PATH": path, "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("fluid in", ["infer", "inspect"]),
        ("fluid mode .", ["ha", "ht", "auto"]),
        ("fluid status --w", ["--wait", "--watch"]),
        ("fluid --v", ["--version"]),
        ("fluid completion z", ["zsh"]),
        ("edge-agent do", ["doctor"]),
        ("edge-agent --pin", ["--pin-slot"]),
        ("edge-agent doctor --js", ["--json"]),
    ],
)
def test_bash_completes_commands_options_and_choices(
    words: str, offered: list[str], path_with_our_commands: str
) -> None:
    assert sorted(completed(words, path=path_with_our_commands)) == sorted(offered)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script_for_each_program(shell: str, program: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell, "--program", program])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"{program.replace('-', '_').upper()}_COMPLETE={shell}_complete" in result.stdout
    # And the commands' own scripts, installed under these names, listen to that variable.
    assert program in result.stdout


def test_an_unknown_shell_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["completion", "tcsh"])
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.stderr


def test_offering_the_commands_imports_none_of_them() -> None:
    script = (
        "import sys\n"
        "from fluid.cli import main\n"
        "try:\n"
        "    main([], prog_name='fluid')\n"
        "except SystemExit as end:\n"
        "    loaded = {'trainer', 'fluid.client', 'numpy'} & set(sys.modules)\n"
        "    sys.exit(f'imported {loaded}' if loaded else end.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"_FLUID_COMPLETE": "bash_complete", "COMP_WORDS": "fluid ", "COMP_CWORD": "1"}
        | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "plain,train" in done.stdout.splitlines()
