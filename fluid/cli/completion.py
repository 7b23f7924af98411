"""`fluid completion`: the script that makes a shell complete our commands.

The scripts are click's; they ask the program itself what may come next. Nothing is installed here.
"""

import click
from click.shell_completion import get_completion_class

from fluid.cli.errors import CommandFailed

SHELLS = ("bash", "zsh", "fish")
PROGRAMS = ("fluid", "edge-agent")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.option(
    "--program",
    type=click.Choice(PROGRAMS),
    default=PROGRAMS[0],
    show_default=True,
    help="The command that is to be completed.",
)
def completion(*, shell: str, program: str) -> None:
    """Print the script that completes commands and options in a shell.

    For bash (4.4 or newer) or zsh, this line in ~/.bashrc or ~/.zshrc (there after compinit), where
    the command is on PATH:

        eval "$(fluid completion bash)"

    For fish: fluid completion fish > ~/.config/fish/completions/fluid.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise CommandFailed(f"this version of click completes nothing for {shell}: update click")
    # The script needs the program's name alone. click listens to the variable of this name.
    variable = f"_{program.replace('-', '_')}_COMPLETE".upper()
    script = found(click.get_current_context().command, {}, program, variable).source()
    click.echo(script, nl=False)
