"""A node whose bundle is cut between its slots."""

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.events import Route
from fluid.messages import Mode, Role
from tests.unit.edge_agent.core.loopback import Loopback
from tests.unit.edge_agent.cut import DYNAMIC, STATIC
from tests.unit.edge_agent.making import (
    all_of,
    cluster_state,
    feature,
    heartbeat,
    offline,
    presence,
)

PLACEMENT = {"lower": ("b",), "upper": ("a",)}


def following_in_ht() -> Loopback:
    """`a` holds the upper slot of a dynamic bundle, and `b` leads in HT."""
    loopback = Loopback(manifest=DYNAMIC).start()
    state = cluster_state(9, "b", mode=Mode.HT, placement=PLACEMENT, members=("a", "b"))
    loopback.happen(
        seen.PresenceSeen(presence("b", role=Role.MASTER, priority=100, serving=Mode.HT)),
        seen.ClusterSeen(state, retained=False),
    )
    return loopback


def test_in_ht_who_cannot_answer_alone_hears_no_requests() -> None:
    loopback = following_in_ht()
    assert loopback.node.serving_mode is None
    assert do.StopServing(Route.EVERYONE) in loopback.log
    assert do.Serve(Route.SHARED) not in loopback.log
    assert loopback.said(do.PublishPresence)[-1].presence.serving is None


def test_it_serves_again_in_ha() -> None:
    loopback = following_in_ht()
    state = cluster_state(9, "b", mode=Mode.HA, placement=PLACEMENT, members=("a", "b"), epoch=1)
    loopback.happen(seen.ClusterSeen(state, retained=False))
    assert loopback.node.serving_mode is Mode.HA


def test_who_answers_alone_serves_in_ht() -> None:
    loopback = Loopback(manifest=DYNAMIC, role=Role.MASTER).start()
    loopback.happen(seen.ModeWished(Mode.HT))
    assert loopback.node.serving_mode is Mode.HT


def test_where_nobody_answers_alone_the_mode_stays_ha() -> None:
    loopback = Loopback(manifest=STATIC).start()
    loopback.happen(seen.ModeWished(Mode.HT))
    loopback.run(5.0)
    state = loopback.node.cluster_state
    assert state is not None
    assert (state.mode, state.operator_mode) == (Mode.HA, Mode.HT)
    assert loopback.node.serving_mode is Mode.HA


def test_a_leader_that_stands_by_looks_after_the_sessions_of_the_dead() -> None:
    loopback = Loopback(manifest=DYNAMIC, role=Role.MASTER, pins=("upper",)).start()
    loopback.happen(seen.PresenceSeen(presence("b", slots=("lower", "upper"))))
    loopback.happen(seen.PresenceSeen(presence("c")), seen.ModeWished(Mode.HT))
    assert loopback.node.leads
    for _ in range(6):  # long enough not to be a newcomer, while b and c live
        loopback.run(0.4)
        loopback.happen(*(seen.HeartbeatSeen(heartbeat(each)) for each in "bc"))
    assert loopback.node.serving_mode is None
    effects = loopback.happen(seen.PresenceSeen(offline("c"))) + loopback.run(1.0)
    assert [each.agent for each in all_of(effects, do.OpenAdoption)] == ["c"]


def test_a_map_of_an_unknown_request_is_kept_and_looked_into() -> None:
    loopback = Loopback(manifest=STATIC).start()
    loopback.happen(seen.PresenceSeen(presence("b", serving=Mode.HA)))
    loopback.happen(seen.FeatureSeen(feature("1", "b")))
    (said,) = all_of(loopback.run(1.0), do.SendUnheard)
    assert said.notice.keys == (feature("1", "b").key,)
