import pytest

from fluid.cli.errors import explain
from fluid.errors import (
    BrokerNotFound,
    BrokerUnreachable,
    BundleError,
    FluidError,
    ProcessEnded,
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            BrokerNotFound("no such host: pi"),
            "no such host: pi; check the name in --broker or FLUID_BROKER",
        ),
        (
            BrokerUnreachable("cannot connect to mqtt://pi:1883: Connection refused"),
            "cannot connect to mqtt://pi:1883: Connection refused; start a broker there "
            "('python -m broker'), or name another with --broker or FLUID_BROKER",
        ),
    ],
)
def test_of_a_broker_that_is_not_there_it_is_said_what_to_do(error: FluidError, said: str) -> None:
    assert explain(error) == said


@pytest.mark.parametrize(
    "error",
    [
        BrokerUnreachable("it does not answer by TLS: is it a port for TLS? If not, ..."),
        BrokerUnreachable("a certificate is not valid yet; is this device's clock right"),
        BundleError("bundle/lower50.tflite: is missing"),
    ],
)
def test_what_says_itself_what_to_do_is_left_as_it_is(error: FluidError) -> None:
    assert explain(error) == str(error)


def test_what_a_peer_says_is_one_line_that_the_terminal_does_not_obey() -> None:
    assert explain(FluidError("no\n\x1b[31m\ud800")) == r"no\n\x1b[31m\ud800"
    assert len(explain(FluidError("no" * 100_000))) == 1000


def test_the_end_of_a_log_keeps_its_lines() -> None:
    assert explain(ProcessEnded("ended\nwhy:\n\x1b[31m")) == "ended\nwhy:\n\\x1b[31m"
