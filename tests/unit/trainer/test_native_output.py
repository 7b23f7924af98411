import os

import pytest

from trainer.native_output import held_back_stderr


def test_what_native_code_prints_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with held_back_stderr():
        os.write(2, b"chatter")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def _fail_in_the_block() -> None:
    with held_back_stderr():
        os.write(2, b"why it broke")
        raise ValueError("broken")


def test_it_is_shown_when_the_block_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"):
        _fail_in_the_block()
    assert capfd.readouterr().err == "why it broke"
