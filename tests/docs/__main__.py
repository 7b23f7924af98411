"""`scripts/check-docs`: what the tests of this folder check, for a person who writes a page."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from tests.docs.commands import wrong_commands
from tests.docs.links import broken_links
from tests.docs.pages import ROOT, all_pages
from tests.docs.reference import PAGE, reference
from tests.docs.running import run, sessions, why_not, wrong_marks


def _links() -> Iterator[str]:
    for page in all_pages():
        yield from broken_links(page)


def _commands() -> Iterator[str]:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for page in all_pages():
        yield from wrong_commands(page)
        yield from wrong_marks(page, ci)


def _reference() -> Iterator[str]:
    if PAGE.read_text(encoding="utf-8") != reference():
        yield f"{PAGE.name} is stale: scripts/protocol-reference writes it anew"


def _run() -> Iterator[str]:
    if reason := why_not():
        yield f"nothing was run: {reason}"
        return
    for page in all_pages():
        for session in sessions(page):
            click.echo(f"running {session.name}", err=True)
            with tempfile.TemporaryDirectory(prefix="fluid-docs-") as folder:
                ended = run(session, Path(folder))
            if ended.status != 0:
                yield f"{ended.output}\n{ended.place} ended with status {ended.status}"


_STEPS: dict[str, Callable[[], Iterator[str]]] = {
    "links": _links,
    "commands": _commands,
    "reference": _reference,
    "run": _run,
}


@click.command()
@click.argument("steps", nargs=-1, type=click.Choice(list(_STEPS)))
def main(steps: tuple[str, ...]) -> None:
    """Check the pages; all STEPS by default. Exit status: 1 if anything was found."""
    found = [finding for step in steps or _STEPS for finding in _STEPS[step]()]
    for finding in found:
        click.echo(finding)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
