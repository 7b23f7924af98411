"""The picture of the demonstration shows the table that was printed, and fetches nothing."""

import pytest

from tests.docs.demo_picture import picture
from tests.docs.pages import ROOT

PRINTED = """\
HA: 360 of 360 answered
   what the client saw
┏━━━━━━━┳━━━━━━┓
┃ phase ┃ lost ┃
┡━━━━━━━╇━━━━━━┩
│ HA    │    0 │
└───────┴──────┘
DEMO {}
"""


def test_the_table_is_drawn_and_nothing_else() -> None:
    drawn = picture(PRINTED)
    assert "phase" in drawn
    assert "360" not in drawn
    assert "DEMO" not in drawn


def test_nothing_is_fetched_to_show_it() -> None:
    for drawn in (picture(PRINTED), (ROOT / "docs/images/demo.svg").read_text(encoding="utf-8")):
        assert "url(http" not in drawn
        assert "@font-face" not in drawn


def test_what_is_no_output_of_the_demo_is_refused() -> None:
    with pytest.raises(ValueError, match="table is missing"):
        picture("error: no broker")
