import pytest

from trainer.data.picture_form import parse_size


@pytest.mark.parametrize(("text", "size"), [("32", (32, 32)), ("48x64", (48, 64)), ("1", (1, 1))])
def test_a_size_is_height_by_width_or_one_number(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "x", "32x", "-4", "3.5", "32x32x3", "2000", "a"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no image size: give HEIGHTxWIDTH"):
        parse_size(text)
