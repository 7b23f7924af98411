"""How a node goes from broker to broker. What it does at one is in `test_node.py`."""

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.effects import Effect, Note
from edge_agent.core.events import LinkName, Route
from edge_agent.core.node import EXIT_DUPLICATE, EXIT_REFUSED
from fluid.bus import CloseReason
from fluid.messages import AgentState, Mode, Role
from tests.unit.edge_agent.core.loopback import Loopback
from tests.unit.edge_agent.making import (
    TIMING,
    all_of,
    arrival,
    cluster_state,
    heartbeat,
    offline,
    one_of,
    presence,
    request,
)

CONTROL, INFER = LinkName.CONTROL, LinkName.INFER
LOST, REFUSED = CloseReason.LOST, CloseReason.REFUSED
PREFERRED, FALLBACK = 0, 1
LONG_S = 60.0


def serving(mode: Mode = Mode.HA) -> Loopback:
    """A node that leads alone at the preferred of two brokers."""
    loopback = Loopback(brokers=2).start()
    if mode is not Mode.HA:
        loopback.happen(seen.ModeWished(mode))
    loopback.run(LONG_S)
    assert loopback.node.leads
    assert loopback.node.serving_mode is mode
    return loopback


def lose_broker(loopback: Loopback) -> list[Effect]:
    """The preferred broker dies; returns all that follows at once."""
    loopback.down.add(PREFERRED)
    return loopback.happen(seen.LinkClosed(CONTROL, LOST, "gone"), seen.LinkClosed(INFER, LOST))


def at_fallback(mode: Mode = Mode.HA) -> Loopback:
    loopback = serving(mode)
    lose_broker(loopback)
    loopback.run(1.0)
    assert loopback.node.leads
    assert loopback.node.serving_mode is mode
    return loopback


def controls(effects: list[Effect]) -> list[int]:
    """The brokers at which the control link was opened, in turn."""
    return [opened.broker for opened in all_of(effects, do.OpenControl)]


def notes(effects: list[Effect], event: str) -> list[Note]:
    return [note for note in all_of(effects, Note) if note.event == event]


# Away from a broker that is lost.


def test_a_lost_broker_is_tried_once_more_and_then_the_next_without_any_time_passing() -> None:
    loopback = serving()
    effects = lose_broker(loopback)
    assert controls(effects) == [PREFERRED, FALLBACK]
    (changed,) = notes(effects, "broker_changed")
    assert changed.problem
    assert changed.fields["broker"] == FALLBACK


def test_a_broker_that_was_away_for_a_moment_is_not_left() -> None:
    loopback = serving()
    effects = loopback.happen(seen.LinkClosed(CONTROL, LOST))
    effects += loopback.run(1.0)
    assert controls(effects) == [PREFERRED]
    assert all_of(effects, do.DropLink) == []
    assert loopback.node.leads


def test_an_inference_link_that_still_stands_at_the_former_broker_is_dropped_there() -> None:
    loopback = serving()
    loopback.computes = False
    loopback.happen(arrival("1"))
    loopback.down.add(PREFERRED)
    loopback.silent.add(FALLBACK)
    effects = loopback.happen(seen.LinkClosed(CONTROL, LOST))
    assert do.DropLink(INFER) in effects
    assert loopback.node.held_requests == 0
    assert loopback.node.serving_mode is None
    # Nothing says there that we hear requests before we do.
    said = [each.presence.serving for each in all_of(effects, do.PublishPresence)]
    assert set(said) <= {None}


def test_adoptions_are_abandoned_with_their_broker() -> None:
    loopback = serving()
    loopback.answers_adoptions = False
    assert one_of(loopback.happen(seen.PresenceSeen(offline("b"))), do.OpenAdoption)
    effects = lose_broker(loopback)
    assert do.CloseAdoption("b", end_session=False) in effects
    late = seen.AdoptionRequest("b", request(), Route.SHARED, 1, was_sent=False)
    assert loopback.happen(late) == []


def test_who_was_known_at_the_former_broker_is_not_known_at_the_next() -> None:
    loopback = serving()
    loopback.happen(seen.PresenceSeen(presence("b", serving=Mode.HA)))
    before = loopback.node.cluster_state
    assert before is not None
    assert before.members == ("a", "b")
    lose_broker(loopback)
    after = loopback.node.cluster_state
    assert after is not None
    assert after.members == ("a",)


def test_terms_and_incarnations_go_on_and_so_does_the_operators_word() -> None:
    loopback = serving(Mode.HT)
    before = loopback.node.cluster_state
    incarnations = [opened.will.incarnation for opened in loopback.said(do.OpenControl)]
    lose_broker(loopback)
    after = loopback.node.cluster_state
    assert before is not None
    assert after is not None
    assert after.term > before.term
    assert (after.mode, after.operator_mode) == (Mode.HT, Mode.HT)
    assert loopback.said(do.OpenControl)[-1].will.incarnation > max(incarnations)


def test_what_a_former_stay_left_at_a_broker_is_older_than_what_was_decided_since() -> None:
    loopback = serving(Mode.HT)
    loopback.silent.add(FALLBACK)
    lose_broker(loopback)
    stale = cluster_state(1, "b", mode=Mode.HA, placement={"lower": ("a",), "upper": ("b",)})
    loopback.happen(seen.ClusterSeen(stale, retained=True))
    opened = loopback.said(do.OpenControl)[-1]
    loopback.happen(seen.HeartbeatSeen(opened.probe))
    claim = loopback.said(do.PublishCluster)[-1].state
    assert claim.leader == "a"
    assert (claim.mode, claim.operator_mode) == (Mode.HT, Mode.HT)


def test_a_word_that_the_operator_gave_at_the_other_broker_since_is_followed() -> None:
    loopback = serving(Mode.HT)
    loopback.silent.add(FALLBACK)
    lose_broker(loopback)
    later = cluster_state(99, "a", mode=Mode.HA, operator_mode=Mode.HA)
    loopback.happen(seen.ClusterSeen(later, retained=True))
    opened = loopback.said(do.OpenControl)[-1]
    loopback.happen(seen.HeartbeatSeen(opened.probe))
    claim = loopback.said(do.PublishCluster)[-1].state
    assert claim.term == 100
    assert (claim.mode, claim.operator_mode) == (Mode.HA, Mode.HA)


def arrive_where_its_name_is_online(incarnation: int) -> tuple[Loopback, list[Effect]]:
    """It comes to the fallback, where a retained presence says so; and what it does then."""
    loopback = serving()
    loopback.silent.add(FALLBACK)
    lose_broker(loopback)
    loopback.happen(seen.PresenceSeen(presence("a", incarnation)))
    opened = loopback.said(do.OpenControl)[-1]
    return loopback, loopback.happen(seen.HeartbeatSeen(opened.probe))


def test_what_this_process_left_online_at_the_fallback_delays_nothing() -> None:
    own = serving().said(do.OpenControl)[0].will.incarnation
    _, effects = arrive_where_its_name_is_online(own)
    assert all_of(effects, do.PublishPresence)


def test_what_a_former_life_left_online_there_is_listened_to_and_no_longer() -> None:
    loopback, effects = arrive_where_its_name_is_online(7)
    assert all_of(effects, do.PublishPresence) == []
    assert all_of(loopback.run(TIMING.suspect_after_s - 0.1), do.PublishPresence) == []
    assert all_of(loopback.run(0.2), do.PublishPresence)


def test_whoever_serves_there_under_its_name_is_not_disturbed() -> None:
    loopback, _ = arrive_where_its_name_is_online(7)
    effects = loopback.happen(seen.HeartbeatSeen(heartbeat("a", 7)))
    assert one_of(effects, do.Exit).status == EXIT_DUPLICATE
    assert all_of(effects, do.OpenInfer) == []


def test_who_is_retained_as_online_but_is_elsewhere_is_found_dead_and_adopted() -> None:
    loopback = serving()
    lose_broker(loopback)
    loopback.happen(seen.PresenceSeen(presence("b", serving=Mode.HA)))
    effects = loopback.run(TIMING.dead_after_s + 1.0)
    assert notes(effects, "peer_dead")
    assert do.OpenAdoption("b") in effects


def test_without_any_broker_the_pauses_grow_from_round_to_round() -> None:
    loopback = serving()
    loopback.down.update({PREFERRED, FALLBACK})
    loopback.happen(seen.LinkClosed(CONTROL, LOST), seen.LinkClosed(INFER, LOST))
    effects = loopback.run(60.0)
    assert 2 * 12 <= len(controls(effects)) <= 2 * 20
    assert set(controls(effects)) == {PREFERRED, FALLBACK}
    loopback.down.clear()
    loopback.run(TIMING.reconnect_most_s + 1.0)
    assert loopback.node.serving_mode is Mode.HA


# Back to the one that is preferred.


def test_a_preferred_broker_that_answers_twice_is_returned_to_in_good_order() -> None:
    loopback = at_fallback()
    loopback.down.clear()
    effects = loopback.run(3 * TIMING.probe_s)
    assert len(all_of(effects, do.ProbeBroker)) == 2
    assert controls(effects) == [PREFERRED]
    (returning,) = notes(effects, "returning")
    assert returning.fields == {"broker": PREFERRED, "held": 0}
    kinds = [type(effect) for effect in effects]
    stopped = effects.index(do.StopServing(Route.EVERYONE))
    said = [
        index
        for index, effect in enumerate(effects)
        if isinstance(effect, do.PublishPresence) and effect.presence.state is AgentState.OFFLINE
    ]
    dropped = [effects.index(do.DropLink(link)) for link in (INFER, CONTROL)]
    assert stopped < said[0] < min(dropped) <= max(dropped) < kinds.index(do.OpenControl)
    assert len(said) == 1
    assert loopback.node.leads
    assert loopback.node.serving_mode is Mode.HA
    assert all_of(loopback.run(LONG_S), do.ProbeBroker) == []


def test_while_the_preferred_broker_is_away_it_is_probed_and_nothing_else_happens() -> None:
    loopback = at_fallback()
    effects = loopback.run(20 * TIMING.probe_s)
    assert 19 <= len(all_of(effects, do.ProbeBroker)) <= 20
    assert controls(effects) == []
    assert all_of(effects, do.StopServing) == []


def test_what_is_held_is_answered_before_the_return_but_not_waited_for_for_ever() -> None:
    loopback = at_fallback()
    loopback.computes = False
    loopback.happen(arrival("1", ack_id=5))
    loopback.down.clear()
    effects = loopback.run(2 * TIMING.probe_s)
    assert do.StopServing(Route.EVERYONE) in effects
    assert controls(effects) == []
    loopback.computes = True
    done = loopback.happen(loopback.computed("1"))
    assert do.Ack(5) in done
    assert controls(done) == [PREFERRED]

    loopback = at_fallback()
    loopback.computes = False
    loopback.happen(arrival("1", ack_id=5))
    loopback.down.clear()
    effects = loopback.run(2 * TIMING.probe_s + TIMING.leave_s + 0.1)
    assert controls(effects) == [PREFERRED]
    assert do.Ack(5) not in effects
    assert loopback.node.held_requests == 0


def test_on_its_way_out_it_leads_nobody_and_adopts_nobody() -> None:
    loopback = at_fallback()
    loopback.computes = False
    loopback.happen(arrival("1"))
    loopback.down.clear()
    loopback.run(2 * TIMING.probe_s)
    effects = loopback.happen(seen.PresenceSeen(offline("b")))
    assert all_of(effects, do.OpenAdoption) == []
    assert all_of(effects, do.PublishCluster) == []


def test_a_fallback_that_is_lost_during_the_return_ends_the_leave_taking() -> None:
    loopback = at_fallback()
    loopback.computes = False
    loopback.happen(arrival("1"))
    loopback.down.clear()
    loopback.run(2 * TIMING.probe_s)
    effects = loopback.happen(seen.LinkClosed(CONTROL, LOST))
    assert controls(effects) == [PREFERRED]


def test_being_told_to_leave_during_a_return_ends_the_agent_where_it_is() -> None:
    loopback = at_fallback()
    loopback.computes = False
    loopback.happen(arrival("1"))
    loopback.down.clear()
    loopback.run(2 * TIMING.probe_s)
    effects = loopback.happen(seen.LeaveRequested()) + loopback.run(TIMING.leave_s + 0.1)
    assert controls(effects) == []
    assert effects[-1] == do.Exit(0)


def test_a_preferred_broker_that_is_gone_again_on_arrival_leads_back_to_the_fallback() -> None:
    loopback = at_fallback()
    loopback.down.clear()
    loopback.run(1.5 * TIMING.probe_s)
    loopback.lets_in.discard(PREFERRED)
    effects = loopback.run(2 * TIMING.probe_s)
    assert controls(effects) == [PREFERRED, FALLBACK]
    assert loopback.node.serving_mode is Mode.HA


def test_news_of_a_probe_that_comes_late_is_nothing() -> None:
    loopback = serving()
    before = len(loopback.said(do.OpenControl))
    loopback.happen(*[seen.BrokerProbed(PREFERRED, answered=True)] * 3)
    loopback.run(1.0)
    assert len(loopback.said(do.OpenControl)) == before
    assert notes(loopback.log, "returning") == []


# Refusals.


def test_a_refusal_by_one_broker_is_a_warning_where_another_accepts() -> None:
    loopback = Loopback(brokers=2)
    loopback.refusing.add(PREFERRED)
    loopback.start()
    assert controls(loopback.log) == [PREFERRED, FALLBACK]
    (warning,) = notes(loopback.log, "link_closed")
    assert warning.problem
    assert warning.fields["reason"] is REFUSED
    assert warning.fields["next_broker"] == FALLBACK
    assert loopback.node.serving_mode is Mode.HA
    assert all_of(loopback.run(LONG_S), do.Exit) == []


def test_a_refusal_by_every_broker_ends_an_agent_that_never_served() -> None:
    loopback = Loopback(brokers=2)
    loopback.refusing.update({PREFERRED, FALLBACK})
    loopback.start()
    assert one_of(loopback.log, do.Exit) == do.Exit(
        EXIT_REFUSED, "broker 0 says no; broker 1 says no"
    )


def test_no_refusal_ends_an_agent_that_has_served() -> None:
    loopback = serving()
    loopback.refusing.update({PREFERRED, FALLBACK})
    loopback.happen(seen.LinkClosed(CONTROL, LOST), seen.LinkClosed(INFER, LOST))
    assert all_of(loopback.run(LONG_S), do.Exit) == []
    loopback.refusing.clear()
    loopback.run(TIMING.reconnect_most_s + 1.0)
    assert loopback.node.serving_mode is Mode.HA


def test_a_broker_that_refuses_the_inference_link_is_left_with_a_goodbye() -> None:
    loopback = Loopback(brokers=2)
    loopback.refusing_sessions.add(PREFERRED)
    loopback.start()
    assert controls(loopback.log) == [PREFERRED, FALLBACK]
    offline_at = [
        index
        for index, effect in enumerate(loopback.log)
        if isinstance(effect, do.PublishPresence) and effect.presence.state is AgentState.OFFLINE
    ]
    assert offline_at[0] < loopback.log.index(do.DropLink(CONTROL))
    assert loopback.node.serving_mode is Mode.HA
    # It is looked at again, but ever more rarely.
    tried = controls(loopback.run(10 * LONG_S)).count(PREFERRED)
    assert 5 <= tried <= 15


# Alone and with others.


def test_a_follower_that_moves_alone_leads_at_the_fallback_and_follows_again_when_back() -> None:
    loopback = serving()
    boss = presence("boss", priority=Role.MASTER.priority)
    state = cluster_state(50, "boss", placement={"lower": ("boss",), "upper": ("a",)})
    loopback.happen(seen.PresenceSeen(boss), seen.ClusterSeen(state, retained=False))
    led = [loopback.node.leads]
    lose_broker(loopback)
    led.append(loopback.node.leads)
    loopback.down.clear()
    loopback.run(1.9 * TIMING.probe_s)
    loopback.silent.add(PREFERRED)
    loopback.run(TIMING.probe_s)
    opened = loopback.said(do.OpenControl)[-1]
    loopback.happen(
        seen.PresenceSeen(boss),
        seen.ClusterSeen(state, retained=True),
        seen.HeartbeatSeen(heartbeat("boss")),
        seen.HeartbeatSeen(opened.probe),
    )
    assert [*led, loopback.node.leads] == [False, True, False]
    # The leader there hears of the term that was used elsewhere, and claims one above it.
    assert all_of(loopback.log, do.PublishPresence)[-1].presence.term > 50
