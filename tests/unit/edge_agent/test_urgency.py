import pytest

from edge_agent.core.effects import Ack, Effect, Exit, WriteAttempt
from edge_agent.core.events import AttemptConfirmed, Event, LinkName, Tick
from edge_agent.switchboard import FromLink, Source
from edge_agent.urgency import can_wait, must_go_now
from fluid.bus import Confirmed, Delivered, Message, Opened

REQUEST = Delivered(Message("fluid/infer", b"", qos=1))


@pytest.mark.parametrize("source", [Source(LinkName.INFER), Source(None, adopts="b")])
def test_requests_wait_and_all_that_comes_on_their_connections(source: Source) -> None:
    assert can_wait(FromLink(source, REQUEST))
    assert can_wait(FromLink(source, Opened(session_present=True)))


def test_that_an_answer_is_with_the_broker_does_not_wait() -> None:
    infer = Source(LinkName.INFER)
    assert not can_wait(FromLink(infer, Confirmed(1, 0)))
    assert can_wait(FromLink(infer, Confirmed(-1, 0)))  # of a subscription
    assert can_wait(FromLink(Source(None, adopts="b"), Confirmed(1, 0)))


def test_what_other_devices_say_does_not_wait_nor_what_we_have_done() -> None:
    assert not can_wait(FromLink(Source(LinkName.CONTROL), REQUEST))
    assert not can_wait(Tick())


@pytest.mark.parametrize(
    ("event", "caused"),
    [
        (AttemptConfirmed(1, accepted=True), []),
        (Tick(), [Ack(1), WriteAttempt("a", (), 1)]),
        (Tick(), [Exit(0)]),
    ],
)
def test_notes_of_attempts_and_what_they_let_run_go_at_once(
    event: Event, caused: list[Effect]
) -> None:
    assert must_go_now(event, caused)


def test_all_else_goes_together() -> None:
    assert not must_go_now(Tick(), [Ack(1)])
