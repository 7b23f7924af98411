from pathlib import Path

import pytest

from edge_agent.session_secret import SessionSecretUnusable, read_secret, sealed


def test_the_white_space_around_a_secret_is_none_of_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"  0123456789abcdef\n")
    assert read_secret(file) == b"0123456789abcdef"


@pytest.mark.parametrize("content", [b"", b"\n", b"short"])
def test_a_secret_that_could_be_guessed_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(SessionSecretUnusable, match=r"secret: .*\[session_secret_unusable\]$"):
        read_secret(file)


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SessionSecretUnusable, match="none: the session secret cannot be read"):
        read_secret(tmp_path / "none")


def test_the_seal_depends_on_both_and_shows_neither() -> None:
    one = sealed("fluid:a", b"0123456789abcdef")
    assert one.startswith("fluid:a:")
    assert len(one) == len("fluid:a:") + 16
    assert one != sealed("fluid:b", b"0123456789abcdef")
    assert one != sealed("fluid:a", b"another secret..")
    assert sealed("fluid:a", b"") == "fluid:a"
