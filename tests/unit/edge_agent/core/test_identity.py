from dataclasses import replace

from edge_agent.core.identity import Claim, Identity
from fluid.messages import Heartbeat
from tests.unit.edge_agent.making import TIMING, heartbeat, offline, presence


def connected(boot: int = 100) -> Identity:
    identity = Identity(TIMING)
    identity.start(boot)
    identity.next_incarnation()
    return identity


def established(boot: int = 100) -> Identity:
    identity = connected(boot)
    identity.snapshot_complete()
    assert identity.may_speak(0.0)
    identity.spoken()
    return identity


def test_each_connection_has_a_higher_incarnation_of_its_own() -> None:
    identity = connected(100)
    assert identity.started
    first = identity.incarnation
    second = identity.next_incarnation()
    assert 100 < first < second
    assert identity.owns(first)
    assert identity.owns(second)
    assert not identity.owns(second + 1)


def test_two_processes_that_outbid_each_other_never_arrive_at_one_number() -> None:
    one, other = connected(100), connected(101)
    for _ in range(50):
        one.presence_seen(offline("me", other.incarnation), 0.0)
        one.next_incarnation()
        assert one.incarnation > other.incarnation
        other.presence_seen(offline("me", one.incarnation), 0.0)
        other.next_incarnation()
        assert other.incarnation > one.incarnation


def test_nobody_speaks_before_the_snapshot_is_complete() -> None:
    identity = connected()
    assert not identity.may_speak(1000.0)
    identity.snapshot_complete()
    assert identity.may_speak(0.0)
    identity.next_incarnation()
    assert not identity.may_speak(1000.0)


def test_a_newcomer_listens_whether_the_online_name_still_beats() -> None:
    identity = connected()
    assert identity.presence_seen(presence("me", 50), 10.0) is Claim.NOTHING
    identity.snapshot_complete()
    assert not identity.may_speak(10.0)
    assert identity.next_deadline(10.0) == 10.0 + TIMING.suspect_after_s
    assert identity.may_speak(10.0 + TIMING.suspect_after_s)
    assert identity.next_deadline(10.0 + TIMING.suspect_after_s) is None


def test_a_name_that_is_offline_is_taken_at_once() -> None:
    identity = connected()
    assert identity.presence_seen(offline("me", 50), 10.0) is Claim.NOTHING
    identity.snapshot_complete()
    assert identity.may_speak(10.0)


def test_a_newcomer_goes_when_the_name_beats_and_its_own_beat_is_no_reason() -> None:
    identity = connected()
    identity.presence_seen(presence("me", 50), 10.0)
    assert identity.is_taken(heartbeat("me", 50))
    assert not identity.is_taken(heartbeat("me", identity.incarnation))


def test_who_serves_is_not_thrown_out_by_a_newcomers_beat() -> None:
    identity = established()
    assert not identity.is_taken(heartbeat("me", 500))


def test_of_two_that_have_spoken_the_one_with_the_higher_incarnation_goes() -> None:
    first, second = established(100), established(200)
    ours, theirs = first.incarnation, second.incarnation
    first.presence_seen(presence("me", theirs), 1.0)
    second.presence_seen(presence("me", ours), 1.0)
    beats = [Heartbeat("me", ours, sequence) for sequence in (1, 1, 2, 3)]
    # The same one again proves nothing.
    assert [second.is_taken(beat) for beat in beats] == [False, False, False, True]
    assert not any(first.is_taken(replace(beat, incarnation=theirs)) for beat in beats)


def test_a_late_will_of_ours_is_answered_by_saying_our_presence_again() -> None:
    identity = established()
    former = identity.incarnation
    identity.next_incarnation()
    identity.snapshot_complete()
    assert identity.presence_seen(offline("me", former), 1.0) is Claim.SPEAK
    assert identity.presence_seen(offline("me", identity.incarnation), 1.0) is Claim.SPEAK
    assert identity.presence_seen(presence("me", identity.incarnation), 1.0) is Claim.NOTHING


def test_a_higher_incarnation_of_another_life_is_outbid() -> None:
    identity = connected(100)
    higher = identity.incarnation + 5000
    assert identity.presence_seen(offline("me", higher), 1.0) is Claim.OUTBID
    assert identity.next_incarnation() > higher


def test_an_equal_incarnation_of_another_life_is_outbid_too() -> None:
    identity = connected(100)
    identity.start(300)
    assert identity.presence_seen(offline("me", 300), 1.0) is Claim.OUTBID
    assert identity.next_incarnation() > 300


def test_at_another_broker_it_is_a_newcomer_that_listens_before_it_speaks() -> None:
    identity = established(200)
    former = identity.incarnation
    identity.broker_changed()
    identity.next_incarnation()
    identity.snapshot_complete()
    identity.presence_seen(presence("me", former), 1.0)  # its own, of an earlier stay there
    assert identity.may_speak(1.0)
    identity.presence_seen(presence("me", 100), 1.0)
    assert not identity.may_speak(1.0)
    assert identity.is_taken(heartbeat("me", 100))
    assert identity.may_speak(1.0 + TIMING.suspect_after_s)
