import os

import pytest

from edge_agent.native_output import logged_native_output


def test_what_is_written_past_python_becomes_events_and_later_output_is_left_alone(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")
    with logged_native_output():
        os.write(2, b"INFO: Created delegate\nW\xff: slow\n")
    os.write(2, b"afterwards\n")
    assert caplog.messages == [
        'message logger=native text="INFO: Created delegate"',
        'message logger=native text="W\ufffd: slow"',
    ]
    assert capfd.readouterr().err == "afterwards\n"


def test_it_is_logged_also_if_the_block_fails(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")

    def load() -> None:
        with logged_native_output():
            os.write(2, b"ERROR: no such op\n")
            raise ValueError("the model cannot be loaded")

    with pytest.raises(ValueError, match="cannot be loaded"):
        load()
    assert "no such op" in caplog.text
