"""Whether a command that a page gives exists: its sub-command, its options, the values to choose
from, the targets, files, modules and extras that it names.

Asks the programs' own parsers. Runs nothing that a page says, and lets programs pass that are not
ours: `openssl`, `ssh`, `mosquitto_pub`.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import click

from broker.__main__ import main as broker_command
from edge_agent.cli import main as agent_command
from edge_agent.doctor.cli import doctor as doctor_command
from fluid.cli import main as fluid_group
from tests.docs.pages import ROOT
from tests.docs.shell import Command

# What stands for a value of the reader's: NAME, FILE, <id>, $VARIABLE, something|else, and `...`.
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_0-9]*|<.*>|.*\$.*|.*\|.*|.*\.\.\.|…")
_OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")

Check = Callable[[tuple[str, ...]], Iterator[str]]


def problems(command: Command) -> Iterator[str]:
    """A sentence for each part of a command that does not exist."""
    check = CHECKS.get(Path(command.program).name)
    if command.program.startswith("scripts/"):
        if not os.access(ROOT / command.program, os.X_OK):
            yield f"there is no {command.program}"
    elif check is not None:
        yield from check(tuple(each for each in command.arguments if each not in ("...", "…")))


def own_options() -> frozenset[str]:
    """Every option of `fluid`, `edge-agent` and `python -m broker`."""
    context = click.Context(fluid_group)
    found = (fluid_group.get_command(context, name) for name in fluid_group.list_commands(context))
    commands = [each for each in found if each is not None]
    commands += [fluid_group, agent_command, doctor_command, broker_command]
    return frozenset(
        name
        for command in commands
        for parameter in command.get_params(_context(command))
        for name in (*parameter.opts, *parameter.secondary_opts)
    )


def _context(command: click.Command, name: str = "") -> click.Context:
    """As click makes it. A command keeps the help option of the first context that asks for it, so
    one without the command's settings would take `-h` from it."""
    return click.Context(command, info_name=name, **command.context_settings)


def _fluid(arguments: tuple[str, ...]) -> Iterator[str]:
    name = arguments[0] if arguments else ""
    if not name or name.startswith("-") or _PLACEHOLDER.fullmatch(name):
        yield from _parsed(fluid_group, arguments, "fluid")
        return
    command = fluid_group.get_command(click.Context(fluid_group), name)
    if command is None:
        yield f"fluid has no command {name}"
    else:
        yield from _parsed(command, arguments[1:], f"fluid {name}")


def _agent(arguments: tuple[str, ...]) -> Iterator[str]:
    if arguments[:1] == ("doctor",):
        yield from _parsed(doctor_command, arguments[1:], "edge-agent doctor")
    else:
        yield from _parsed(agent_command, arguments, "edge-agent")


def _parsed(command: click.Command, arguments: Sequence[str], name: str) -> Iterator[str]:
    """What click's parser says, and of values those that are one of few. Whether all is there that
    is required is not asked: a sentence may name one option alone."""
    context = _context(command, name)
    parser = command.make_parser(context)
    try:
        values, rest, _ = parser.parse_args(_completed(command, context, arguments))
        if rest and not isinstance(command, click.Group):
            yield f"{name} takes no further argument {rest[0]}"
        for parameter in command.get_params(context):
            if isinstance(parameter.type, click.Choice | click.IntRange | click.FloatRange):
                for value in _texts(values.get(parameter.name or "")):
                    parameter.type(value, parameter, context)
    except click.UsageError as error:
        yield f"{name}: {error.format_message()}"


def _completed(
    command: click.Command, context: click.Context, arguments: Sequence[str]
) -> list[str]:
    """The arguments, with a value for a last option that a sentence names without one."""
    takes_value = {
        name
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option) and not (parameter.is_flag or parameter.count)
        for name in parameter.opts
    }
    last = arguments[-1] if arguments else ""
    return [*arguments, "VALUE"] if last in takes_value else list(arguments)


def _texts(value: object) -> Iterator[str]:
    for each in value if isinstance(value, Iterable) and not isinstance(value, str) else (value,):
        if isinstance(each, str) and not _PLACEHOLDER.fullmatch(each):
            yield each


def _python(arguments: tuple[str, ...]) -> Iterator[str]:
    if arguments[:1] != ("-m",) or len(arguments) == 1:
        return
    module, *rest = arguments[1:]
    if module == "broker":
        yield from _parsed(broker_command, rest, "python -m broker")
    elif module == "pip":
        yield from _pip(tuple(rest))
    elif importlib.util.find_spec(module) is None:
        yield f"there is no module {module}"


@cache
def _make_words() -> frozenset[str]:
    """The targets of the Makefile, and its variables with a `=`."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", text, re.MULTILINE)
    used = re.findall(r"\$\((?:or \$\(|if \$\()?([A-Z]+)[),]", text)
    return frozenset({*targets, *(f"{name}=" for name in used), "PYTHON="})


def _make(arguments: tuple[str, ...]) -> Iterator[str]:
    for word in arguments:
        name = re.sub(r"=.*", "=", word, flags=re.DOTALL)
        if not (word.startswith("-") or name in _make_words() or _PLACEHOLDER.fullmatch(word)):
            yield f"make has no {name}"


def _playbook(arguments: tuple[str, ...]) -> Iterator[str]:
    previous = ""
    for word in arguments:
        if word.startswith("-") and previous not in ("-e", "--extra-vars"):
            if word.partition("=")[0] not in playbook_options():
                yield f"ansible-playbook has no option {word}"
        elif word.endswith(".yml") and not (ROOT / "ansible" / word).is_file():
            yield f"there is no playbook {word}"
        elif previous == "--tags":
            yield from (f"no playbook has the tag {tag}" for tag in word.split(",")
                        if tag not in _tags())  # fmt: skip
        previous = word


@cache
def _tags() -> frozenset[str]:
    found: set[str] = set()
    for playbook in (ROOT / "ansible").glob("*.yml"):
        for tags in re.findall(r"tags: \[?([\w, ]+)\]?", playbook.read_text(encoding="utf-8")):
            found.update(tags.replace(" ", "").split(","))
    return frozenset(found)


def _pip(arguments: tuple[str, ...]) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in arguments:
        for extras in re.findall(r"^(?:\.|fluid-edge)\[([\w,]+)\]$", word):
            for extra in extras.split(","):
                if extra not in project["optional-dependencies"]:
                    yield f"there is no extra {extra}"


def _docker(arguments: tuple[str, ...]) -> Iterator[str]:
    for before, word in pairwise(arguments):
        if before == "-f" and not (ROOT / word).is_file():
            yield f"there is no {word}"


def playbook_options() -> frozenset[str]:
    """Every option of `ansible-playbook`."""
    return _options_in_help(str(Path(sys.executable).with_name("ansible-playbook")))


@cache
def _options_in_help(program: str) -> frozenset[str]:
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return frozenset(_OPTION.findall(done.stdout))


CHECKS: Mapping[str, Check] = {
    "fluid": _fluid,
    "edge-agent": _agent,
    "python": _python,
    "python3": _python,
    "make": _make,
    "ansible-playbook": _playbook,
    "pip": _pip,
    "docker": _docker,
}
