import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.log_event import LogEvent, Value, as_text, quoted, shortened


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("pi-1", "pi-1"),
        (3, "3"),
        (0.25, "0.25"),
        (True, "true"),
        (("pi-1", "pi-2"), "pi-1,pi-2"),
        ("grün", "grün"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("first\nsecond\r\tthird", '"first\\nsecond\\r\\tthird"'),
        ("\x1b[31mred", '"\\u001b[31mred"'),
        ("line\u2028end", '"line\\u2028end"'),
        ("turned\u202eround", '"turned\\u202eround"'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_a_value_is_quoted_where_it_needs_to_be(value: Value, written: str) -> None:
    assert quoted(value) == written


def test_an_event_is_its_name_and_its_fields() -> None:
    assert str(LogEvent("leaving")) == "leaving"
    assert str(LogEvent("link_closed", {"link": "infer", "detail": "no route"})) == (
        'link_closed link=infer detail="no route"'
    )


@given(st.text())
def test_no_text_breaks_a_line_or_its_neighbours(text: str) -> None:
    line = as_text({"before": 1, "text": text, "after": 2})
    assert line.isprintable()
    assert line.splitlines() == [line]
    fields = shlex.split(line)
    assert (fields[0], fields[-1], len(fields)) == ("before=1", "after=2", 3)


def test_a_long_text_is_cut_and_says_so() -> None:
    cut = shortened("x" * 70_000)
    assert isinstance(cut, str)
    assert cut.startswith("xxx")
    assert cut.endswith("... and 69500 more")
    assert len(cut) < 600
    assert shortened("short") == "short"
    assert shortened(70_000) == 70_000
