from dataclasses import replace
from typing import Any

from edge_agent.core.cluster import Cluster
from edge_agent.core.effects import ClearPresence, Effect, Note, PublishCluster
from edge_agent.core.settings import Timing
from fluid.messages import ClusterState, Mode, Presence, Role
from tests.unit.edge_agent.making import (
    DIGEST,
    OTHER_DIGEST,
    all_of,
    cluster_state,
    heartbeat,
    manifest_of,
    offline,
    one_of,
    presence,
    settings,
)

ME = presence("a")
IDLE = heartbeat("a")
DAY_S = 24 * 3600.0


def cluster_of(*others: Presence, now: float = 0.0) -> Cluster:
    """The view of `a`, which hears its echo and has seen the others' presences."""
    cluster = Cluster(settings("a"))
    cluster.peers.heartbeat(heartbeat("a"), now)
    for other in others:
        cluster.presence(other, now)
    return cluster


def decide(cluster: Cluster, now: float = 0.0, me: Presence = ME) -> list[Effect]:
    return cluster.decide(me, IDLE, now)


def lead(cluster: Cluster, now: float = 0.0) -> ClusterState:
    """Claim, and let the claim come round."""
    claim = one_of(decide(cluster, now), PublishCluster).state
    cluster.seen(claim, retained=False)
    assert cluster.leadership.leads
    return claim


def hearing(agent: str, **changes: Any) -> Presence:
    return presence(agent, serving=Mode.HA, **changes)


def test_the_best_claims_with_all_members_and_a_placement() -> None:
    cluster = cluster_of(presence("b"))
    claim = one_of(decide(cluster), PublishCluster).state
    assert (claim.term, claim.epoch, claim.leader) == (1, 0, "a")
    assert claim.members == ("a", "b")
    assert claim.placement == {"lower": ("b",), "upper": ("a",)}
    assert claim.mode is Mode.HA


def test_nobody_claims_over_a_better_one() -> None:
    better = presence("z", role=Role.MASTER, priority=Role.MASTER.priority)
    assert decide(cluster_of(better)) == []


def test_the_dead_and_the_offline_are_no_competition() -> None:
    assert all_of(decide(cluster_of(offline("0"))), PublishCluster)


def test_nobody_claims_while_its_own_echo_is_missing() -> None:
    assert decide(Cluster(settings("a"))) == []
    assert decide(cluster_of(now=0.0), now=60.0) == []


def test_a_new_leader_carries_on_with_mode_operators_word_and_placement() -> None:
    cluster = cluster_of()
    before = cluster_state(
        6,
        "gone",
        mode=Mode.HT,
        operator_mode=Mode.HT,
        members=("a", "gone"),
        placement={"lower": ("a",), "upper": ("gone",)},
    )
    cluster.seen(before, retained=True)
    claim = one_of(decide(cluster), PublishCluster).state
    assert claim == cluster_state(
        7,
        "a",
        mode=Mode.HT,
        operator_mode=Mode.HT,
        members=("a",),
        placement={"lower": ("a",), "upper": ()},
    )


def test_a_leader_publishes_what_changed_once_under_a_higher_epoch() -> None:
    cluster = cluster_of()
    claim = lead(cluster)
    assert decide(cluster) == []
    cluster.presence(presence("b"), 0.0)
    update = one_of(decide(cluster), PublishCluster).state
    assert (update.term, update.epoch) == (claim.term, 1)
    assert update.members == ("a", "b")
    assert decide(cluster) == []


def test_two_changes_before_the_first_came_round_have_epochs_of_their_own() -> None:
    cluster = cluster_of()
    lead(cluster)
    epochs = []
    for agent in ("b", "c"):
        cluster.presence(presence(agent), 0.0)
        epochs.append(one_of(decide(cluster), PublishCluster).state.epoch)
    assert epochs == [1, 2]


def test_the_operators_word_becomes_the_mode_and_stays_written_down() -> None:
    cluster = cluster_of()
    lead(cluster)
    cluster.wish(Mode.HT)
    update = one_of(decide(cluster), PublishCluster).state
    assert (update.mode, update.operator_mode) == (Mode.HT, Mode.HT)
    cluster.seen(update, retained=False)
    cluster.wish(Mode.AUTO)
    assert one_of(decide(cluster), PublishCluster).state.operator_mode is Mode.AUTO


def test_a_word_that_came_while_a_claim_was_on_its_way_is_not_lost() -> None:
    cluster = cluster_of()
    claim = one_of(decide(cluster), PublishCluster).state
    cluster.wish(Mode.HT)
    assert decide(cluster) == []
    cluster.seen(claim, retained=False)
    assert one_of(decide(cluster), PublishCluster).state.mode is Mode.HT


def test_a_claim_says_the_word_that_its_author_heard() -> None:
    cluster = cluster_of()
    cluster.wish(Mode.HT)
    assert one_of(decide(cluster), PublishCluster).state.operator_mode is Mode.HT


def test_a_candidate_that_is_outdone_hands_on_the_word_that_it_heard() -> None:
    cluster = cluster_of()
    claim = one_of(decide(cluster), PublishCluster).state
    cluster.wish(Mode.HT)
    cluster.seen(cluster_state(claim.term + 1, "z"), retained=False)
    cluster.seen(claim, retained=False)  # too late
    assert cluster.word.unheeded is Mode.HT


def test_a_leader_takes_up_the_word_that_only_another_heard() -> None:
    cluster = cluster_of(presence("b"))
    lead(cluster)
    cluster.presence(presence("b", unheeded=Mode.HT), 0.0)
    update = one_of(decide(cluster), PublishCluster).state
    assert (update.mode, update.operator_mode) == (Mode.HT, Mode.HT)
    cluster.seen(update, retained=False)
    cluster.presence(presence("b"), 0.0)
    assert decide(cluster) == []


def test_the_word_of_one_that_is_gone_counts_no_more() -> None:
    cluster = cluster_of(presence("b", unheeded=Mode.HT))
    cluster.presence(offline("b"), 0.0)
    assert one_of(decide(cluster), PublishCluster).state.operator_mode is Mode.AUTO


def test_votes_of_members_decide_where_the_operator_is_silent() -> None:
    cluster = cluster_of(presence("b", vote=Mode.HT))
    lead(cluster)
    assert one_of(decide(cluster), PublishCluster).state.mode is Mode.HT


def test_the_load_of_any_member_can_end_ha() -> None:
    cluster = cluster_of(presence("b"))
    lead(cluster)
    states = []
    for step in range(5):
        now = step * 0.5
        cluster.peers.heartbeat(heartbeat("a"), now)
        cluster.peers.heartbeat(heartbeat("b", queue=50, busy=1.0), now)
        states += all_of(decide(cluster, now), PublishCluster)
    assert [published.state.mode for published in states] == [Mode.HT]


def test_only_a_leader_empties_the_sessions_of_the_dead_and_the_offline() -> None:
    cluster = cluster_of(offline("b"), presence("c"))
    assert cluster.gone(1.0) == ()
    lead(cluster)
    assert cluster.gone(0.9) == ()  # others may be about to connect as well
    assert cluster.gone(1.0) == ("b",)
    for step in range(1, 5):
        cluster.peers.heartbeat(heartbeat("a"), step * 0.5)
    assert Note("peer_dead", {"agent": "c"}) in cluster.judge(2.0)
    assert cluster.gone(2.0) == ("b", "c")
    cluster.link_lost()
    assert cluster.gone(2.0) == ()


def test_following_another_is_noted_when_leader_or_mode_change() -> None:
    cluster = cluster_of()
    first = cluster_state(1, "b")
    assert one_of(cluster.seen(first, retained=False), Note).event == "following"
    assert cluster.seen(replace(first, epoch=1), retained=False) == []
    other_mode = replace(first, epoch=2, mode=Mode.HT)
    assert one_of(cluster.seen(other_mode, retained=False), Note).fields["mode"] == "ht"
    assert cluster.state == other_mode


# The team.


def placed(cluster: Cluster, **placement: tuple[str, ...]) -> Cluster:
    cluster.seen(cluster_state(1, "z", placement=placement), retained=False)
    return cluster


def test_the_team_is_who_hears_every_request() -> None:
    cluster = placed(
        cluster_of(hearing("b"), presence("c", serving=Mode.HT), presence("d")),
        lower=("a", "c"),
        upper=("b", "d"),
    )
    team = cluster.team()
    assert team.members == ("a", "b")
    assert team.holders == {"lower": ("a",), "upper": ("b",)}


def test_a_suspect_is_of_the_team_and_the_dead_and_the_offline_are_not() -> None:
    cluster = placed(cluster_of(hearing("b"), hearing("c")), lower=("a",), upper=("b", "c"))
    cluster.presence(offline("c"), 0.0)
    for step in range(1, 5):
        cluster.peers.heartbeat(heartbeat("a"), step * 0.5)
        cluster.judge(step * 0.5)
        expected = ("a", "b") if step < 4 else ("a",)
        assert cluster.team().members == expected


def test_who_serves_another_bundle_hears_and_combines_but_holds_nothing_of_ours() -> None:
    cluster = placed(
        cluster_of(hearing("b", bundle=OTHER_DIGEST), hearing("c", bundle=DIGEST)),
        lower=("a", "c"),
        upper=("b",),
    )
    team = cluster.team()
    assert team.members == ("a", "b", "c")
    assert team.holders == {"lower": ("a", "c"), "upper": ()}


def test_without_a_cluster_state_nobody_holds_anything() -> None:
    team = cluster_of(hearing("b")).team()
    assert team.members == ("a", "b")
    assert team.due(team.members) == ()


def test_the_team_knows_what_its_members_can_do() -> None:
    cluster = Cluster(settings("a", capacity=2.0))
    for other in (hearing("b", capacity=0.5), hearing("c"), presence("d", capacity=9.0)):
        cluster.presence(other, 0.0)
    assert cluster.team().capacities == {"a": 2.0, "b": 0.5}


# Another bundle.


def test_another_bundle_is_placed_and_worked_with_from_the_next_moment() -> None:
    cluster = placed(cluster_of(hearing("b", bundle=OTHER_DIGEST)), left=("a",), right=("b",))
    # Until the leader knows our bundle, we answer with our first slot.
    assert cluster.team().holders == {"lower": ("a",), "upper": ()}
    cluster.serve(manifest_of("left", "right"), OTHER_DIGEST)
    team = cluster.team()
    assert team.holders == {"left": ("a",), "right": ("b",)}
    assert team.my_stages() == ("left50",)


def test_a_leader_that_changed_its_bundle_places_itself_anew() -> None:
    cluster = cluster_of(presence("b", slots=("lower", "upper")))
    assert lead(cluster).placement == {"lower": ("b",), "upper": ("a",)}
    cluster.serve(manifest_of("left", "right"), OTHER_DIGEST)
    me = presence("a", bundle=OTHER_DIGEST, slots=("left", "right"))
    update = one_of(decide(cluster, me=me), PublishCluster).state
    assert update.placement == {"left": (), "right": ("a",), "lower": ("b",), "upper": ()}


# Forgetting.


def tidied(cluster: Cluster, now: float, *settled: str) -> list[str]:
    effects = cluster.tidy(now, is_settled=settled.__contains__)
    return [effect.agent for effect in all_of(effects, ClearPresence)]


def test_who_is_gone_for_long_is_removed_once_its_session_is_settled() -> None:
    cluster = cluster_of(offline("b"), offline("c"), presence("d"))
    assert tidied(cluster, DAY_S, "b", "c") == []  # only a leader tidies up
    lead(cluster)
    assert tidied(cluster, DAY_S - 0.1, "b") == []
    assert tidied(cluster, DAY_S) == []
    assert tidied(cluster, DAY_S, "b") == ["b"]
    assert tidied(cluster, DAY_S + 1, "b") == []  # said already, and on its way
    cluster.forget("b", is_settled=True)
    assert [peer.presence.agent for peer in cluster.peers.known()] == ["c", "d"]


def test_a_removal_that_may_have_been_lost_with_the_link_is_said_again() -> None:
    cluster = cluster_of(offline("b"))
    lead(cluster)
    assert tidied(cluster, DAY_S, "b") == ["b"]
    cluster.link_lost()
    cluster.peers.heartbeat(heartbeat("a"), DAY_S)
    lead(cluster, DAY_S)
    assert tidied(cluster, DAY_S, "b") == ["b"]


def test_who_is_removed_before_its_session_is_settled_is_adopted_all_the_same() -> None:
    cluster = cluster_of(offline("b"), offline("c"), presence("d"))
    lead(cluster)
    later = 10.0
    assert cluster.gone(later) == ("b", "c")
    cluster.forget("b", is_settled=False)
    cluster.forget("c", is_settled=True)
    cluster.forget("d", is_settled=False)  # which is alive, and will say so
    assert cluster.gone(later) == ("b",)
    assert tidied(cluster, later) == []
    assert cluster.gone(later) == ("b",)
    assert tidied(cluster, later, "b") == []
    assert cluster.gone(later) == ()


def test_who_returns_after_it_was_removed_is_not_adopted() -> None:
    cluster = cluster_of(offline("b"))
    lead(cluster)
    cluster.forget("b", is_settled=False)
    cluster.presence(presence("b", incarnation=9), 10.0)
    assert cluster.gone(10.0) == ()


def test_nobody_is_forgotten_where_that_was_not_wanted() -> None:
    cluster = Cluster(settings("a", timing=Timing(forget_after_s=0.0)))
    cluster.peers.heartbeat(heartbeat("a"), 0.0)
    cluster.presence(offline("b"), 0.0)
    lead(cluster)
    assert tidied(cluster, 1000 * DAY_S, "b") == []


def test_a_presence_too_many_is_noted() -> None:
    cluster = cluster_of(*(presence(f"p{index}") for index in range(1024)))
    (note,) = cluster.presence(presence("one-more"), 1.0)
    assert note == Note("peer_ignored", {"agent": "one-more"}, problem=True)


def test_at_another_broker_nobody_is_known_and_what_was_decided_before_counts() -> None:
    cluster = cluster_of(presence("b"))
    cluster.wish(Mode.HT)
    lead(cluster)
    cluster.seen(one_of(decide(cluster), PublishCluster).state, retained=False)
    cluster.broker_changed()
    assert cluster.state is None
    assert cluster.peers.known() == ()
    assert cluster.gone(9.0) == ()
    assert decide(cluster) == []  # not before its own echo is back
    cluster.peers.heartbeat(heartbeat("a"), 1.0)
    claim = one_of(decide(cluster, 1.0), PublishCluster).state
    assert (claim.term, claim.members) == (2, ("a",))
    assert (claim.mode, claim.operator_mode) == (Mode.HT, Mode.HT)


def test_of_two_brokers_the_later_decision_counts() -> None:
    for term, mode in ((1, Mode.HT), (9, Mode.HA)):
        cluster = cluster_of()
        cluster.seen(cluster_state(5, "a", mode=Mode.HT), retained=True)
        cluster.broker_changed()
        cluster.peers.heartbeat(heartbeat("a"), 1.0)
        cluster.seen(cluster_state(term, "a", mode=Mode.HA), retained=True)
        claim = one_of(decide(cluster, 1.0), PublishCluster).state
        assert claim.mode is mode
        assert claim.term == max(term, 5) + 1


def test_what_is_owed_to_the_forgotten_is_bounded() -> None:
    cluster = cluster_of()
    for number in range(2000):
        cluster.presence(offline(f"agent-{number}"), 0.0)
        cluster.forget(f"agent-{number}", is_settled=False)
    lead(cluster)
    assert len(cluster.gone(10.0)) == 1024
