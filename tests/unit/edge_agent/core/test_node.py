from dataclasses import replace

import pytest

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect
from edge_agent.core.events import LinkName, Route
from edge_agent.core.node import EXIT_DUPLICATE, EXIT_REFUSED, Node
from edge_agent.core.settings import Timing
from fluid.bus import CloseReason
from fluid.messages import AgentState, Done, Heartbeat, Mode, Presence
from tests.unit.edge_agent.core.loopback import Loopback
from tests.unit.edge_agent.making import (
    TIMING,
    all_of,
    arrival,
    cluster_state,
    computed,
    heartbeat,
    offline,
    one_of,
    partial,
    presence,
    request,
    settings,
)

CONTROL, INFER = LinkName.CONTROL, LinkName.INFER
LOST = CloseReason.LOST
HOUR_S = 3600.0
# An hour of heartbeats, of which each wakes the agent once, and as much again for the rest.
MOST_TICKS_AN_HOUR = 2 * HOUR_S / TIMING.heartbeat_s


def serving(mode: Mode = Mode.HA) -> Loopback:
    """A node that leads alone and serves a mode."""
    loopback = Loopback().start()
    if mode is not Mode.HA:
        loopback.happen(seen.ModeWished(mode))
    assert loopback.node.leads
    assert loopback.node.serving_mode is mode
    return loopback


def last_presence(effects: list[Effect]) -> Presence:
    return all_of(effects, do.PublishPresence)[-1].presence


def incarnation_of(loopback: Loopback) -> int:
    return last_presence(loopback.log).incarnation


# Getting there.


def test_a_node_finds_its_place_alone() -> None:
    loopback = serving()
    state = loopback.node.cluster_state
    assert state is not None
    assert (state.leader, state.members) == ("a", ("a",))
    assert last_presence(loopback.log).serving is Mode.HA


def test_nothing_is_said_or_claimed_before_the_snapshot_is_complete() -> None:
    node = Node(settings("a"))
    (opened,) = node.step(seen.Started(1000), 0.0)
    assert isinstance(opened, do.OpenControl)
    effects = list(node.step(seen.LinkOpened(CONTROL), 0.1))
    effects += node.step(seen.PresenceSeen(presence("b")), 0.2)
    effects += node.step(seen.Tick(), 1.0)
    assert all_of(effects, do.PublishPresence) == []
    assert all_of(effects, do.PublishHeartbeat) == []
    assert all_of(effects, do.PublishCluster) == []
    effects = list(node.step(seen.HeartbeatSeen(opened.probe), 1.1))
    kinds = [type(effect) for effect in effects]
    assert kinds.index(do.PublishPresence) < kinds.index(do.PublishCluster)


def test_the_will_says_offline_under_the_incarnation_of_its_connection() -> None:
    loopback = serving()
    opened = one_of(loopback.log, do.OpenControl)
    assert opened.will.state is AgentState.OFFLINE
    assert opened.will.serving is None
    assert opened.will.incarnation == incarnation_of(loopback) == opened.probe.incarnation


def test_requests_are_taken_only_once_there_is_a_place() -> None:
    loopback = Loopback()
    loopback.reachable = False
    assert all_of(loopback.start().run(60.0), do.OpenInfer) == []
    loopback.reachable = True
    effects = loopback.run(10.0)
    kinds = [type(effect) for effect in effects]
    assert kinds.index(do.PublishCluster) < kinds.index(do.OpenInfer)


def test_presence_says_what_is_served_only_after_the_broker_confirmed_it() -> None:
    loopback = serving()
    effects = loopback.happen(seen.ModeWished(Mode.HT))
    kinds = [type(effect) for effect in effects]
    assert one_of(effects, do.Serve).route is Route.SHARED
    assert kinds.index(do.Serve) < kinds.index(do.PublishPresence) < kinds.index(do.StopServing)
    assert last_presence(effects).serving is Mode.HT


def test_a_refused_route_is_subscribed_again_in_time_and_then_served() -> None:
    loopback = serving()
    loopback.happen(seen.LinkClosed(INFER, LOST))
    loopback.refused_routes = {Route.EVERYONE}
    asked = all_of(loopback.run(8.0), do.Serve)
    assert asked == [do.Serve(Route.EVERYONE)] * 4  # at once, then after 1, 2 and 4 s
    assert last_presence(loopback.log).serving is None
    loopback.refused_routes = set()
    assert last_presence(loopback.run(8.0)).serving is Mode.HA
    assert all_of(loopback.run(HOUR_S), do.Serve) == []


# Our name.


def test_a_late_will_about_ourselves_is_answered_with_our_presence() -> None:
    loopback = serving()
    former = incarnation_of(loopback)
    loopback.happen(seen.LinkClosed(CONTROL, LOST))
    loopback.run(1.0)
    current = last_presence(loopback.log)
    assert current.incarnation > former
    effects = loopback.happen(seen.PresenceSeen(offline("a", former)))
    assert last_presence(effects) == current


def test_a_cleared_presence_of_ours_is_said_again_and_that_of_others_forgotten() -> None:
    loopback = serving()
    loopback.happen(seen.PresenceSeen(presence("b")))
    assert last_presence(loopback.happen(seen.PresenceCleared("a"))).agent == "a"
    loopback.happen(seen.PresenceCleared("b"))
    state = loopback.node.cluster_state
    assert state is not None
    assert state.members == ("a",)


def test_a_removed_device_is_forgotten_after_a_while_and_welcomed_when_it_returns() -> None:
    loopback = Loopback(timing=Timing(forget_after_s=600.0)).start()
    loopback.happen(seen.PresenceSeen(presence("b")), seen.PresenceSeen(offline("b")))
    loopback.run(590.0)
    assert loopback.said(do.ClearPresence) == []
    loopback.run(20.0)
    assert loopback.said(do.ClearPresence) == [do.ClearPresence("b", 1)]
    loopback.happen(seen.PresenceSeen(presence("b")))
    state = loopback.node.cluster_state
    assert state is not None
    assert state.members == ("a", "b")


def test_a_removed_device_whose_session_cannot_be_emptied_is_kept() -> None:
    loopback = Loopback(timing=Timing(forget_after_s=60.0)).start()
    loopback.adoptable = False
    loopback.happen(seen.PresenceSeen(offline("b")))
    loopback.run(120.0)
    assert loopback.said(do.ClearPresence) == []
    loopback.adoptable = True
    loopback.run(2.0)
    assert loopback.said(do.ClearPresence) == [do.ClearPresence("b", 1)]


def test_presence_says_what_a_device_may_hold_and_can_do() -> None:
    loopback = Loopback(pins=("lower",), capacity=2.5, in_flight=7).start()
    said = last_presence(loopback.log)
    assert said.slots == ("lower", "upper")
    assert (said.pins, said.capacity, said.in_flight) == (("lower",), 2.5, 7)


def test_a_higher_incarnation_of_a_former_life_is_outbid_through_a_new_connection() -> None:
    loopback = Loopback()
    loopback.reachable = False
    loopback.start(1000)
    loopback.reachable = True
    loopback.now += 0.5
    node = loopback.node
    (opened,) = all_of(node.step(seen.Tick(), loopback.now), do.OpenControl)
    node.step(seen.LinkOpened(CONTROL), loopback.now)
    effects = loopback.happen(seen.PresenceSeen(offline("a", 999_999)))
    assert do.CloseLink(CONTROL) in effects
    assert opened.will.incarnation < 999_999
    loopback.run(1.0)
    incarnation = loopback.said(do.OpenControl)[-1].will.incarnation
    assert incarnation > 999_999
    assert incarnation_of(loopback) == incarnation


def test_a_second_agent_of_the_same_name_ends_and_leaves_the_first_alone() -> None:
    node = Node(settings("a"))
    node.step(seen.Started(2000), 0.0)
    node.step(seen.LinkOpened(CONTROL), 0.1)
    node.step(seen.PresenceSeen(presence("a", 1500)), 0.1)
    effects = node.step(seen.HeartbeatSeen(heartbeat("a", 1500)), 0.2)
    ended = one_of(effects, do.Exit)
    assert ended.status == EXIT_DUPLICATE
    assert "'a'" in ended.message

    first = serving()
    assert all_of(first.happen(seen.HeartbeatSeen(heartbeat("a", 2001))), do.Exit) == []


def test_a_name_whose_owner_is_silent_is_taken_after_listening() -> None:
    node = Node(settings("a"))
    (opened,) = node.step(seen.Started(2000), 0.0)
    assert isinstance(opened, do.OpenControl)
    node.step(seen.LinkOpened(CONTROL), 0.1)
    node.step(seen.PresenceSeen(presence("a", 1500)), 0.1)
    effects = list(node.step(seen.HeartbeatSeen(opened.probe), 0.1))
    assert all_of(effects, do.PublishPresence) == []
    assert node.next_deadline() <= 0.1 + TIMING.suspect_after_s
    assert one_of(node.step(seen.Tick(), 1.6), do.PublishPresence)


# Links that go.


@pytest.mark.parametrize("link", LinkName)
def test_a_refusal_before_the_first_success_ends_the_agent(link: LinkName) -> None:
    node = Node(settings("a"))
    node.step(seen.Started(1000), 0.0)
    effects = node.step(seen.LinkClosed(link, CloseReason.REFUSED, "not authorised"), 0.1)
    assert one_of(effects, do.Exit) == do.Exit(EXIT_REFUSED, "not authorised")


@pytest.mark.parametrize("link", LinkName)
def test_a_refusal_after_a_success_is_tried_again(link: LinkName) -> None:
    loopback = serving()
    effects = loopback.happen(seen.LinkClosed(link, CloseReason.REFUSED, "not now"))
    assert all_of(effects, do.Exit) == []
    assert any(note.problem for note in all_of(effects, do.Note))
    loopback.run(1.0)
    assert loopback.node.serving_mode is Mode.HA


def test_without_a_broker_it_retries_with_growing_pauses_and_says_so() -> None:
    loopback = Loopback()
    loopback.reachable = False
    effects = loopback.start().run(60.0)
    opened = all_of(effects, do.OpenControl)
    assert 12 <= len(opened) <= 20
    problems = [note for note in all_of(loopback.log, do.Note) if note.problem]
    assert len(problems) == len(loopback.said(do.OpenControl))
    assert {note.event for note in problems} == {"link_closed"}
    assert problems[0].fields["detail"] == "nobody there"


def test_a_lost_inference_link_forgets_requests_and_says_that_nothing_is_heard() -> None:
    loopback = serving()
    loopback.computes = False
    loopback.happen(arrival("1"))
    assert loopback.node.held_requests == 1
    loopback.reachable = False
    effects = loopback.happen(seen.LinkClosed(INFER, LOST))
    assert loopback.node.held_requests == 0
    assert last_presence(effects).serving is None


def test_a_fenced_agent_comes_back_and_serves_again() -> None:
    loopback = serving()
    effects = loopback.happen(seen.LinkClosed(INFER, CloseReason.TAKEN_OVER))
    assert all_of(effects, do.Exit) == []
    assert one_of(loopback.run(1.0), do.OpenInfer)
    assert loopback.node.serving_mode is Mode.HA


def test_without_the_control_link_nobody_leads_and_requests_are_still_answered() -> None:
    loopback = serving()
    loopback.reachable = False
    loopback.happen(seen.LinkClosed(CONTROL, LOST))
    assert not loopback.node.leads
    effects = loopback.happen(arrival("1", ack_id=5))
    assert one_of(effects, do.SendReply)
    assert do.Ack(5) in effects


def test_each_control_connection_has_a_higher_incarnation() -> None:
    loopback = serving()
    for _ in range(3):
        loopback.happen(seen.LinkClosed(CONTROL, LOST))
        loopback.run(1.0)
    incarnations = [opened.will.incarnation for opened in loopback.said(do.OpenControl)]
    assert incarnations == sorted(set(incarnations))
    assert len(incarnations) == 4
    assert len({opened.boot for opened in loopback.said(do.OpenControl)}) == 1


def test_shares_are_handed_over_again_on_a_new_control_link() -> None:
    loopback = serving()
    b = presence("b", serving=Mode.HA)
    loopback.happen(seen.PresenceSeen(b))
    for number in range(20):
        loopback.happen(arrival(str(number)))
    first = {share.key for sent in loopback.said(do.SendPartials) for share in sent.partials}
    assert 0 < len(first) < 20  # the others are ours to answer
    loopback.happen(seen.LinkClosed(CONTROL, LOST))
    again = all_of(loopback.run(0.15), do.SendPartials)
    assert {share.key for sent in again for share in sent.partials} == first


# Others.


def test_who_leads_empties_the_sessions_of_the_gone_once_it_serves() -> None:
    loopback = Loopback()
    loopback.happen(seen.PresenceSeen(offline("b")))
    loopback.start()
    assert loopback.said(do.OpenAdoption) == []  # it may be about to connect as well
    loopback.run(TIMING.newcomer_s + TIMING.heartbeat_s)
    effects = loopback.log
    assert all_of(effects, do.OpenAdoption) == [do.OpenAdoption("b")]
    kinds = [type(effect) for effect in effects]
    assert kinds.index(do.Serve) < kinds.index(do.OpenAdoption)


def test_nobody_is_adopted_while_nothing_that_is_published_again_would_be_heard() -> None:
    loopback = serving()
    loopback.reachable = False
    loopback.happen(seen.LinkClosed(INFER, LOST))
    assert all_of(loopback.happen(seen.PresenceSeen(offline("b"))), do.OpenAdoption) == []


def test_nobody_is_adopted_while_our_own_heartbeats_do_not_come_back() -> None:
    loopback = serving()
    loopback.adoptable = False
    loopback.happen(seen.PresenceSeen(offline("b")))
    loopback.run(TIMING.newcomer_s + TIMING.heartbeat_s)
    loopback.silent = {0}
    loopback.run(TIMING.echo_stall_s + TIMING.heartbeat_s)
    before, loopback.ticks = len(loopback.log), 0
    loopback.run(10.0)
    assert all_of(loopback.log[before:], do.OpenAdoption) == []
    assert loopback.ticks < 60


def test_a_follower_adopts_nobody() -> None:
    loopback = serving()
    boss = presence("boss", priority=100)
    state = cluster_state(9, "boss", placement={"lower": ("a",), "upper": ("boss",)})
    loopback.happen(seen.PresenceSeen(boss), seen.ClusterSeen(state, retained=False))
    assert all_of(loopback.happen(seen.PresenceSeen(offline("b"))), do.OpenAdoption) == []


def test_late_news_of_an_adoption_that_is_over_is_nothing() -> None:
    loopback = serving()
    before = len(loopback.log)
    loopback.happen(
        seen.AdoptionOpened("b", session_present=True),
        seen.AdoptionRequest("b", request(), Route.SHARED, 1, was_sent=False),
        seen.AdoptionMarker("b", "x", 1),
        seen.AdoptionConfirmed("b", 1, accepted=True),
        seen.AdoptionClosed("b", LOST),
    )
    assert loopback.log[before:] == []


def test_a_notice_from_before_we_heard_requests_does_not_swallow_one() -> None:
    loopback = Loopback()
    notice = Done((request("1").key,))
    loopback.happen(seen.DoneSeen(notice))
    loopback.start()
    assert one_of(loopback.happen(arrival("1")), do.SendReply)


def test_a_stray_message_in_our_session_is_acknowledged() -> None:
    assert do.Ack(7) in serving().happen(seen.StrayArrived(7))


def test_a_silent_peer_is_buried_and_its_share_not_waited_for() -> None:
    loopback = serving()
    loopback.happen(seen.PresenceSeen(presence("b", serving=Mode.HA)))
    effects = loopback.run(TIMING.dead_after_s + 0.1)
    events = [note.event for note in all_of(effects, do.Note)]
    assert events.index("peer_suspect") < events.index("peer_dead")
    (reply,) = all_of(loopback.happen(arrival("1")), do.SendReply)
    assert len(reply.replies) == 1


# Leaving.


def test_leaving_with_nothing_held_says_offline_and_ends() -> None:
    loopback = serving()
    effects = loopback.happen(seen.LeaveRequested())
    assert last_presence(effects).state is AgentState.OFFLINE
    assert last_presence(effects).incarnation == incarnation_of(loopback)
    assert do.StopServing(Route.EVERYONE) in effects
    assert effects[-1] == do.Exit(0)
    assert {close.link for close in all_of(effects, do.CloseLink)} == set(LinkName)


def test_leaving_finishes_what_is_held_and_then_says_offline() -> None:
    loopback = serving()
    loopback.computes = False
    loopback.happen(arrival("1", ack_id=5))
    effects = loopback.happen(seen.LeaveRequested())
    assert do.StopServing(Route.EVERYONE) in effects
    assert all_of(effects, do.Exit) == []
    assert last_presence(effects).state is AgentState.ONLINE
    effects = loopback.happen(computed("1", "upper50"))
    ack, goodbye = effects.index(do.Ack(5)), effects.index(do.Exit(0))
    assert ack < goodbye


def test_leaving_waits_only_so_long_for_what_is_held() -> None:
    loopback = serving()
    loopback.computes = False
    loopback.happen(arrival("1", ack_id=5))
    loopback.happen(seen.LeaveRequested())
    assert all_of(loopback.run(TIMING.leave_s - 0.1), do.Exit) == []
    effects = loopback.run(0.2)
    assert do.Exit(0) in effects
    assert all_of(effects, do.Ack) == []


def test_leaving_twice_is_leaving_once() -> None:
    loopback = serving()
    effects = loopback.happen(seen.LeaveRequested(), seen.LeaveRequested())
    assert all_of(effects, do.Exit) == [do.Exit(0)]


def test_who_leaves_adopts_nobody_and_connects_no_more() -> None:
    loopback = serving()
    loopback.computes = False
    loopback.happen(arrival("1"))
    loopback.happen(seen.LeaveRequested(), seen.PresenceSeen(offline("b")))
    effects = loopback.happen(seen.LinkClosed(CONTROL, LOST))
    effects += loopback.run(1.0)
    assert all_of(effects, do.OpenAdoption) == []
    assert all_of(effects, do.OpenControl) == []


# Time.


def test_an_hour_of_idling_takes_a_bounded_number_of_steps() -> None:
    loopback = serving()
    effects = loopback.run(HOUR_S)
    assert loopback.ticks <= MOST_TICKS_AN_HOUR
    beats = len(all_of(effects, do.PublishHeartbeat))
    assert beats == pytest.approx(HOUR_S / TIMING.heartbeat_s, rel=0.01)


def test_an_hour_of_troubles_takes_a_bounded_number_of_steps() -> None:
    loopback = serving()
    loopback.adoptable = False
    loopback.happen(
        seen.PresenceSeen(presence("silent", serving=Mode.HA)),
        seen.PresenceSeen(offline("gone")),
    )
    loopback.computes = False
    for number in range(50):
        loopback.happen(arrival(str(number), ack_id=number + 1))
    for number in range(0, 50, 2):
        loopback.happen(computed(str(number), "upper50"))
    loopback.run(HOUR_S / 2)
    loopback.reachable = False
    loopback.happen(seen.LinkClosed(CONTROL, LOST), seen.LinkClosed(INFER, LOST))
    loopback.run(HOUR_S / 2)
    # Two sessions that cannot be adopted are tried twice a second each.
    assert loopback.ticks <= 2 * MOST_TICKS_AN_HOUR


def test_a_deadline_is_never_behind_once_the_node_has_stepped() -> None:
    loopback = serving()
    loopback.adoptable = False
    loopback.happen(seen.PresenceSeen(presence("b", serving=Mode.HA)), arrival("1"))
    for _ in range(200):
        deadline = loopback.node.next_deadline()
        assert deadline > loopback.now
        assert deadline <= loopback.now + TIMING.heartbeat_s
        loopback.now = deadline
        loopback.happen(seen.Tick())


def test_a_node_that_is_kept_busy_by_requests_alone_still_beats() -> None:
    loopback = serving()
    node = loopback.node
    beats: list[Heartbeat] = []
    end = loopback.now + 10.0
    number = 0
    while loopback.now < end:  # no tick and nothing of the cluster: only requests
        number += 1
        loopback.now += 0.01
        event = arrival(str(number), ack_id=number)
        effects = list(node.step(event, loopback.now))
        effects += node.step(computed(str(number), "upper50"), loopback.now)
        beats += [each.heartbeat for each in all_of(effects, do.PublishHeartbeat)]
    assert len(beats) == pytest.approx(10.0 / TIMING.heartbeat_s, abs=1)


def test_shares_of_a_strangers_bundle_and_of_nothing_held_are_harmless() -> None:
    loopback = serving()
    stray = replace(partial("99", "b", "lower50"), bundle="cd" * 32)
    assert loopback.happen(seen.PartialSeen(stray)) == []
    assert loopback.happen(seen.ReplyConfirmed(12345, accepted=True)) == []


def test_a_node_whose_own_thread_is_always_at_work_says_that_it_is_busy() -> None:
    loopback = serving()
    loopback.happen(seen.Worked(0.0))
    loopback.run(TIMING.heartbeat_s)
    worked = seen.Worked(1000 * TIMING.heartbeat_s)
    effects = loopback.happen(worked) + loopback.run(3 * TIMING.heartbeat_s)
    effects += loopback.happen(worked) + loopback.run(2 * TIMING.heartbeat_s)
    beats = [each.heartbeat.busy for each in all_of(effects, do.PublishHeartbeat)]
    assert max(beats) > 0.9
    assert beats[-1] == 0.0
