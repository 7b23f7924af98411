import pytest

from edge_agent.log_event import LogEvent
from edge_agent.refusals import Refusals
from fluid.bus import Confirmed

REQUESTS = ["$share/fluid/fluid/infer/#"]
OTHERS = ["fluid/infer/#"]
UNSPECIFIED, NOT_AUTHORISED = Confirmed(1, 0x80), Confirmed(1, 0x87)


def said(refusals: Refusals, answer: Confirmed) -> LogEvent:
    event = refusals.heard(REQUESTS, answer)
    assert event is not None
    return event


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0x80, "its own log says why"),
        (0x87, "allow that user to subscribe to and read these topics"),
        (0x97, "raise its limit"),
        (0x9E, "use one with all of MQTT 5"),
        (0xA1, "use one with all of MQTT 5"),
        (0xA2, "use one with all of MQTT 5"),
    ],
)
def test_a_refusal_says_which_topics_it_is_about_and_what_to_do(code: int, words: str) -> None:
    event = said(Refusals(), Confirmed(1, code))
    assert event.name == "subscription_refused"
    assert event.fields["reason"] == f"0x{code:02x}"
    assert event.fields["topics"] == tuple(REQUESTS)
    assert words in str(event.fields["message"])


def test_a_refusal_is_said_once_however_often_it_is_repeated() -> None:
    refusals = Refusals()
    said(refusals, NOT_AUTHORISED)
    assert [refusals.heard(REQUESTS, NOT_AUTHORISED) for _ in range(3)] == [None] * 3


def test_another_reason_other_topics_and_a_refusal_after_a_success_are_news() -> None:
    refusals = Refusals()
    said(refusals, NOT_AUTHORISED)
    assert refusals.heard(OTHERS, NOT_AUTHORISED) is not None
    said(refusals, UNSPECIFIED)
    assert refusals.heard(REQUESTS, Confirmed(1, 1)) is None
    said(refusals, UNSPECIFIED)


def test_what_was_accepted_is_nothing_to_say() -> None:
    assert Refusals().heard(REQUESTS, Confirmed(1, 0)) is None
