"""The pages give no command, option or variable that does not exist."""

from pathlib import Path

import pytest

from tests.docs.commands import known_variables, wrong_commands
from tests.docs.pages import Page, all_pages


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.name)
def test_all_commands_of_a_page_exist(page: Page) -> None:
    assert list(wrong_commands(page)) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("```bash\nfluid stats\n```", "page.md:1: fluid has no command stats"),
        ("```console\n$ fluid stats\nwhat it prints\n```", "page.md:1: fluid has no command stats"),
        ("```bash\na 'b\n```", "page.md:1: line 1: a quotation does not end"),
        ("See `fluid stats --json`.", "page.md:1: fluid has no command stats"),
        ("Give it `--wiat 2`.", "page.md:1: no command has the option --wiat"),
        ("    fluid status", "page.md:1: fence the block, with its language: commands are bash"),
        ("```text\nfluid status\n```", "page.md:1: fence the block, with its language: commands "
                                       "are bash"),
        ("Set `FLUID_BROKE`.", "page.md: nothing reads the variable FLUID_BROKE"),
        ("Give it `--wait 2`, as `fluid` says; set `FLUID_BROKER`.", None),
        ("```text\nsome output\n```", None),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_found(tmp_path: Path, text: str, finding: str | None) -> None:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    assert list(wrong_commands(Page(path, root=tmp_path))) == ([finding] if finding else [])


def test_variables_of_agents_scripts_and_playbooks_are_known() -> None:
    assert {"FLUID_BROKER", "FLUID_PIN_SLOT", "FLUID_FLEET_KEEP"} <= known_variables()
