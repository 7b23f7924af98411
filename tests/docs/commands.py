"""The commands and variables that pages give, held against what exists.

A command block is fenced as `bash`. Code within a sentence counts as a command if it begins with
the name of a program that we know, and as an option if it begins with two hyphens.
"""

import re
from collections.abc import Iterator
from functools import cache

from tests.docs.pages import ROOT, Code, Page
from tests.docs.programs import CHECKS, own_options, playbook_options, problems
from tests.docs.shell import commands

SHELLS = frozenset({"bash", "sh", "console"})
_VARIABLE = re.compile(r"\bFLUID_[A-Z][A-Z_]*[A-Z]\b")


def wrong_commands(page: Page) -> Iterator[str]:
    """A sentence for each command, option or variable on a page that does not exist."""
    for block in page.blocks:
        if SHELLS.intersection(block.info[:1]):
            yield from _wrong_in(block, _typed(block))
        elif not block.info or _begins_with_program(block.text):
            yield f"{block.place}: fence the block, with its language: commands are bash"
    for span in page.spans:
        text = " ".join(span.text.split())
        if _begins_with_program(text) and " " in text:
            yield from _wrong_in(span, text)
        elif (option := text.partition(" ")[0].partition("=")[0]) and _is_unknown(option):
            yield f"{span.place}: no command has the option {option}"
    for name in sorted(set(_VARIABLE.findall(page.text)) - known_variables()):
        yield f"{page.name}: nothing reads the variable {name}"


@cache
def known_variables() -> frozenset[str]:
    """Every FLUID_ name in the code, the scripts, the playbooks and their templates."""
    suffixes = {".py", ".yml", ".yaml", ".j2", ".conf", ""}
    folders = ("fluid", "edge_agent", "trainer", "broker", "ansible", "scripts", "tests")
    passed_over = {"__pycache__", "docs"}  # the tests of this folder make names up
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if passed_over.intersection(path.parts[len(ROOT.parts) :]):
                continue
            if path.suffix in suffixes and path.is_file():
                found.update(_VARIABLE.findall(path.read_text(encoding="utf-8", errors="ignore")))
    return frozenset(found)


def _wrong_in(code: Code, text: str) -> Iterator[str]:
    try:
        for command in commands(text):
            yield from (f"{code.place}: {problem}" for problem in problems(command))
    except ValueError as error:
        yield f"{code.place}: {error}"


def _typed(block: Code) -> str:
    """What a reader types: of a `console` block, the lines after a prompt."""
    if block.info[0] != "console":
        return block.text
    return "\n".join(line[2:] for line in block.text.splitlines() if line.startswith("$ "))


def _is_unknown(option: str) -> bool:
    return option.startswith("--") and option not in own_options() | playbook_options()


def _begins_with_program(text: str) -> bool:
    return text.lstrip().partition(" ")[0] in CHECKS
