import pytest

from fluid.cli.printable import escaped, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pi-1", "pi-1"),
        ("größe 七 😀 a\\b", "größe 七 😀 a\\b"),
        ("\x1b]0;PWNED\x07\x1b[31m", r"\x1b]0;PWNED\x07\x1b[31m"),
        ("a\nb\r\t\x7f\x9b", r"a\nb\r\t\x7f\x9b"),
        ("\u2028\u202e", r"\u2028\u202e"),
        ("\ud800x\udcff", r"\ud800x\udcff"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_cannot_be_printed_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == escaped(text) == shown
    assert shown.isprintable()


def test_a_long_text_is_cut() -> None:
    assert printable("x" * 200) == "x" * 200
    assert printable("x" * 70_000) == "x" * 199 + "…"
    assert printable("x" * 9, most=5) == "xxxx…"
    assert escaped("x" * 70_000) == "x" * 70_000
