import pytest

from edge_agent.core.adoption import Adoption, Adoptions
from edge_agent.core.effects import (
    AckAdopted,
    CloseAdoption,
    DrainAdoption,
    Effect,
    OpenAdoption,
    ReplyAdopted,
    RepublishAdopted,
    WriteAttempt,
)
from edge_agent.core.events import (
    AdoptionClosed,
    AdoptionConfirmed,
    AdoptionMarker,
    AdoptionOpened,
    AdoptionRequest,
    RequestFault,
    Route,
)
from edge_agent.core.suspicion import AttemptNotes
from edge_agent.core.verdicts import Verdicts
from fluid.bus import CloseReason
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply
from tests.unit.edge_agent.making import all_of, one_of, request

END = CloseAdoption("dead", end_session=True)
LEAVE_AS_IS = CloseAdoption("dead", end_session=False)


def adoption_of(*known: str, named: tuple[str, ...] = ()) -> Adoption:
    """The adoption of `dead` by somebody who holds or has answered the known requests.

    named: what the dead device's attempt note says.
    """
    notes = AttemptNotes()
    notes.seen("dead", tuple(request(name).key for name in named))
    return Adoption(
        "dead",
        marker="me.7",
        knows=lambda request: request.id in known,
        notes=notes,
        verdicts=Verdicts("a"),
    )


def opened(adoption: Adoption) -> str:
    """Let the link open; returns the marker that was sent."""
    adoption.start()
    (drain,) = adoption.opened(AdoptionOpened("dead", session_present=True))
    assert isinstance(drain, DrainAdoption)
    return drain.marker


def found(
    name: str,
    *,
    ack_id: int = 1,
    route: Route | None = Route.SHARED,
    was_sent: bool = False,
    handovers: int = 0,
    fault: RequestFault | None = None,
) -> AdoptionRequest:
    made = request(name, handovers=handovers, fault=fault)
    return AdoptionRequest("dead", made, route, ack_id, was_sent)


def confirm(
    adoption: Adoption, token: int, *, accepted: bool = True, heard: bool = True, now: float = 0.0
) -> list[Effect]:
    return adoption.confirmed(AdoptionConfirmed("dead", token, accepted, heard), now)


def test_it_connects_takes_the_session_off_the_routes_and_sends_a_marker_through_it() -> None:
    adoption = adoption_of()
    assert OpenAdoption("dead") in adoption.start()
    effects = adoption.opened(AdoptionOpened("dead", session_present=True))
    assert one_of(effects, DrainAdoption).agent == "dead"


def test_where_the_broker_has_no_session_there_is_nothing_to_do() -> None:
    adoption = adoption_of()
    adoption.start()
    assert END in adoption.opened(AdoptionOpened("dead", session_present=False))
    assert adoption.finished


def test_a_request_is_acknowledged_only_when_its_republication_is_confirmed() -> None:
    adoption = adoption_of()
    opened(adoption)
    effects = adoption.request(found("1", ack_id=5))
    republished = one_of(effects, RepublishAdopted)
    assert republished.request == request("1")
    assert all_of(effects, AckAdopted) == []
    assert AckAdopted("dead", 5) in confirm(adoption, republished.token)


def test_each_request_is_acknowledged_for_its_own_confirmation() -> None:
    adoption = adoption_of()
    opened(adoption)
    tokens = [
        one_of(adoption.request(found(name, ack_id=ack_id)), RepublishAdopted).token
        for name, ack_id in (("1", 5), ("2", 6))
    ]
    assert confirm(adoption, tokens[1]) == [AckAdopted("dead", 6)]
    assert confirm(adoption, tokens[1]) == []
    assert confirm(adoption, tokens[0]) == [AckAdopted("dead", 5)]


def test_the_session_is_ended_only_when_the_marker_came_and_all_is_confirmed() -> None:
    adoption = adoption_of()
    marker = opened(adoption)
    token = one_of(adoption.request(found("1")), RepublishAdopted).token
    assert adoption.marker(AdoptionMarker("dead", marker, 9)) == [AckAdopted("dead", 9)]
    assert not adoption.finished
    assert END in confirm(adoption, token)
    assert adoption.finished


def test_an_empty_interval_before_the_marker_does_not_end_the_session() -> None:
    adoption = adoption_of()
    marker = opened(adoption)
    token = one_of(adoption.request(found("1")), RepublishAdopted).token
    assert END not in confirm(adoption, token)
    assert END in adoption.marker(AdoptionMarker("dead", marker, 9))


def test_a_marker_of_another_adopter_or_of_an_earlier_try_is_taken_away_and_means_nothing() -> None:
    adoption = adoption_of()
    former = opened(adoption)
    adoption.closed(AdoptionClosed("dead", CloseReason.LOST), 0.0)
    current = opened(adoption)
    for marker in ("other.3.1", former, ""):
        assert adoption.marker(AdoptionMarker("dead", marker, 9)) == [AckAdopted("dead", 9)]
    assert END in adoption.marker(AdoptionMarker("dead", current, 9))


def test_a_request_to_everyone_that_we_have_is_dropped() -> None:
    adoption = adoption_of("1")
    opened(adoption)
    event = found("1", ack_id=5, route=Route.EVERYONE)
    assert adoption.request(event) == [AckAdopted("dead", 5)]


def test_a_request_to_everyone_that_we_never_saw_is_handed_over() -> None:
    adoption = adoption_of("another")
    opened(adoption)
    assert one_of(adoption.request(found("1", route=Route.EVERYONE)), RepublishAdopted)


def test_a_request_that_was_the_dead_ones_alone_is_handed_over_even_if_its_equal_is_known() -> None:
    adoption = adoption_of("1")
    opened(adoption)
    for route in (Route.SHARED, None):
        assert one_of(adoption.request(found("1", route=route)), RepublishAdopted)


def test_handovers_count_the_devices_that_went_down_with_it_in_hand() -> None:
    adoption = adoption_of()
    opened(adoption)
    for was_sent, handovers in ((False, 0), (True, 1)):
        effects = adoption.request(found("1", was_sent=was_sent))
        assert one_of(effects, RepublishAdopted).handovers == handovers


def test_an_innocent_request_on_a_second_dead_device_is_handed_on_as_before() -> None:
    adoption = adoption_of(named=("guilty",))
    opened(adoption)
    for _ in range(3):
        effects = adoption.request(found("1", was_sent=True, handovers=1))
        assert one_of(effects, RepublishAdopted).handovers == 1


@pytest.mark.parametrize("handovers", [0, 1])
def test_a_request_that_the_dead_device_ran_under_suspicion_is_answered_with_an_error(
    handovers: int,
) -> None:
    adoption = adoption_of(named=("1",))
    opened(adoption)
    effects = adoption.request(found("1", ack_id=5, was_sent=True, handovers=handovers))
    reply = one_of(effects, ReplyAdopted)
    (error,) = reply.replies
    assert isinstance(error, ErrorReply)
    assert (error.id, error.code) == ("1", ErrorCode.EXECUTION_FAILED)
    assert all_of(effects, AckAdopted) == []
    assert AckAdopted("dead", 5) in confirm(adoption, reply.token)


def test_a_copy_of_a_condemned_request_is_condemned_too_and_an_equal_one_is_not() -> None:
    for unique, effect in ((True, ReplyAdopted), (False, RepublishAdopted)):
        adoption = adoption_of(named=("1",))
        opened(adoption)
        condemned = request("1", unique=unique)
        adoption.request(AdoptionRequest("dead", condemned, Route.SHARED, 5, was_sent=True))
        copy = AdoptionRequest("dead", condemned, Route.SHARED, 6, was_sent=False)
        assert isinstance(adoption.request(copy)[0], effect)


def test_the_note_of_a_dead_device_is_cleared_when_all_it_may_name_is_answered() -> None:
    for named, cleared in ((("1",), [WriteAttempt("dead", (), token=0)]), ((), [])):
        adoption = adoption_of(named=named)
        marker = opened(adoption)
        effects = adoption.request(found("1", was_sent=True))
        token = next(e.token for e in effects if isinstance(e, ReplyAdopted | RepublishAdopted))
        assert all_of(adoption.marker(AdoptionMarker("dead", marker, 9)), WriteAttempt) == []
        assert all_of(confirm(adoption, token), WriteAttempt) == cleared


def test_a_request_with_a_faulty_envelope_is_answered_here_and_not_published_again() -> None:
    fault = RequestFault(ErrorCode.BAD_RESPONSE_TOPIC, "a wildcard")
    adoption = adoption_of()
    opened(adoption)
    (effect,) = adoption.request(found("1", fault=fault))
    assert isinstance(effect, ReplyAdopted)
    assert effect.replies == (ErrorReply("1", "bad_response_topic", "a wildcard"),)


def test_a_refused_republication_is_let_go_of_because_it_would_be_refused_for_ever() -> None:
    adoption = adoption_of()
    opened(adoption)
    token = one_of(adoption.request(found("1", ack_id=5)), RepublishAdopted).token
    effects = confirm(adoption, token, accepted=False)
    assert AckAdopted("dead", 5) in effects


def test_what_nobody_heard_stays_in_the_session_for_the_next_try() -> None:
    adoption = adoption_of()
    marker = opened(adoption)
    first = one_of(adoption.request(found("1", ack_id=5)), RepublishAdopted).token
    second = one_of(adoption.request(found("2", ack_id=6)), RepublishAdopted).token
    adoption.marker(AdoptionMarker("dead", marker, 9))
    assert confirm(adoption, first, heard=False, now=3.0) == [LEAVE_AS_IS]
    assert confirm(adoption, second, now=3.0) == []
    assert not adoption.finished
    assert adoption.next_deadline() == 3.5
    assert adoption.tick(3.4) == []
    assert OpenAdoption("dead") in adoption.tick(3.5)
    assert adoption.next_deadline() is None


def test_an_error_that_nobody_heard_is_no_reason_to_try_again() -> None:
    adoption = adoption_of()
    opened(adoption)
    reply = one_of(adoption.request(found("1", ack_id=5, handovers=2)), ReplyAdopted)
    assert AckAdopted("dead", 5) in confirm(adoption, reply.token, heard=False)


def test_a_lost_connection_is_tried_again_and_old_confirmations_mean_nothing() -> None:
    adoption = adoption_of()
    opened(adoption)
    former = one_of(adoption.request(found("1", ack_id=5)), RepublishAdopted).token
    adoption.closed(AdoptionClosed("dead", CloseReason.LOST), 3.0)
    assert adoption.next_deadline() == 3.5
    assert OpenAdoption("dead") in adoption.tick(3.5)
    adoption.opened(AdoptionOpened("dead", session_present=True))
    assert confirm(adoption, former, now=3.6) == []


def test_a_session_that_is_taken_over_is_left_for_the_agent_that_is_back() -> None:
    several = adoptions()
    update(several, "dead")
    several.heard(AdoptionClosed("dead", CloseReason.TAKEN_OVER), 3.0)
    assert all_of(update(several, "dead", now=4.9), OpenAdoption) == []
    update(several, now=4.9)  # its presence comes
    assert several.next_deadline() is None


def test_a_session_that_is_taken_over_by_another_adopter_is_taken_up_again() -> None:
    several = adoptions()
    update(several, "dead")
    several.heard(AdoptionClosed("dead", CloseReason.TAKEN_OVER), 3.0)
    assert several.next_deadline() == 5.0
    assert all_of(update(several, "dead", now=5.0), OpenAdoption) == [OpenAdoption("dead")]


def test_nobody_is_thrown_out_whose_return_we_could_not_hear() -> None:
    several = adoptions()
    update(several, "dead")
    several.heard(AdoptionClosed("dead", CloseReason.TAKEN_OVER), 3.0)
    deaf = several.update(["dead", "gone"], marker="me.7", now=5.0, is_deaf=True)
    assert all_of(deaf, OpenAdoption) == []
    assert several.next_deadline() == 5.5
    assert all_of(update(several, "dead", now=5.5), OpenAdoption) == [OpenAdoption("dead")]


# All of them together.


def adoptions() -> Adoptions:
    return Adoptions(knows=lambda _key: False, notes=AttemptNotes(), verdicts=Verdicts("a"))


def update(all_adoptions: Adoptions, *gone: str, now: float = 0.0) -> list[Effect]:
    return all_adoptions.update(gone, marker="me.7", now=now)


def test_whoever_is_gone_is_adopted_once() -> None:
    several = adoptions()
    assert all_of(update(several, "dead", "gone"), OpenAdoption) == [
        OpenAdoption("dead"),
        OpenAdoption("gone"),
    ]
    assert update(several, "dead", "gone") == []


def test_whoever_was_settled_is_adopted_again_only_after_a_return() -> None:
    several = adoptions()
    update(several, "dead")
    several.heard(AdoptionOpened("dead", session_present=False), 0.0)
    assert update(several, "dead") == []
    assert several.heard(AdoptionOpened("dead", session_present=True), 0.0) == []  # late news
    assert several.is_settled("dead")
    assert update(several, "dead", now=100.0) == []
    assert update(several) == []
    assert not several.is_settled("dead")
    assert OpenAdoption("dead") in update(several, "dead")


def test_the_session_of_an_agent_that_is_back_is_left_as_it_is() -> None:
    several = adoptions()
    update(several, "dead")
    assert update(several) == [LEAVE_AS_IS]
    assert several.heard(AdoptionOpened("dead", session_present=True), 0.0) == []  # late news


def test_a_later_adoption_does_not_trust_the_marker_of_an_abandoned_one() -> None:
    several = adoptions()
    markers = []
    for _ in range(2):
        update(several, "dead")
        effects = several.heard(AdoptionOpened("dead", session_present=True), 0.0)
        markers.append(one_of(effects, DrainAdoption).marker)
        update(several)
    assert markers[0] != markers[1]


def test_the_next_deadline_is_the_earliest_retry() -> None:
    several = adoptions()
    update(several, "dead", "gone")
    assert several.next_deadline() is None
    several.heard(AdoptionClosed("gone", CloseReason.UNREACHABLE), 2.0)
    several.heard(AdoptionClosed("dead", CloseReason.LOST), 1.0)
    assert several.next_deadline() == 1.5
    assert update(several, "dead", "gone", now=1.4) == []
    assert all_of(update(several, "dead", "gone", now=1.5), OpenAdoption) == [OpenAdoption("dead")]
    assert several.next_deadline() == 2.5
