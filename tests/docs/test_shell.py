"""Shell code comes apart into the commands that it runs."""

import pytest

from tests.docs.shell import commands


def read(code: str) -> list[str]:
    return [" ".join((each.program, *each.arguments)) for each in commands(code)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a b | c d && e; f &", ["a b", "c d", "e", "f"]),
        ("a b >file 2>&1 &", ["a b"]),
        ("a <file", ["a"]),
        ("a 'b c' \"d\"", ["a b c d"]),
        ("a 'x#y' # what it's for", ["a x#y"]),
        ("a fluid/result/# b", ["a fluid/result/# b"]),
        ("A=1 B=2 a", ["a"]),
        ("sudo a b", ["a b"]),
        ("a \\\n  b", ["a b"]),
        ("a 'b\nc'", ["a b\nc"]),
        ('a "$(b c)"', ["b c", "a $(b c)"]),
        ("a - <<'END'\nit's text\nEND\nb", ["a -", "b"]),
    ],
)
def test_the_commands_of_a_script(code: str, expected: list[str]) -> None:
    assert read(code) == expected


def test_a_command_knows_its_line() -> None:
    assert [each.line for each in commands("a <<E\ntext\nE\nb \\\n c\nd")] == [1, 4, 6]


def test_a_quotation_that_does_not_end_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(commands("a\nb 'c"))
