"""The golden transcripts: `FLUID_UPDATE_SCENARIOS=1` writes them anew, to be read in the diff."""

import os
from pathlib import Path

import pytest

from tests.simulation.transcripts import Block, parse, play, render

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_story_is_told_as_it_was(path: Path) -> None:
    expected = path.read_text()
    told = render(play(parse(expected)))
    if os.environ.get("FLUID_UPDATE_SCENARIOS"):
        path.write_text(told)
        return
    assert told == expected


def test_file_is_read_as_it_is_written() -> None:
    blocks = [Block(["# a comment"], ""), Block([], "advance 1s boot=a", ["a: leading term=1"])]
    assert parse(render(blocks)) == blocks


@pytest.mark.parametrize("text", ["advance 1s\nno rule", "go 1s\n----", "advance 1s boot\n----"])
def test_what_is_no_story_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected ----|no command"):
        play(parse(text))
