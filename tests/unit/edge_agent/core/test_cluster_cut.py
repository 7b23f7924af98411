"""The cluster's view where slots read each other: who still works on what, and in which mode."""

import pytest

from edge_agent.core.cluster import Cluster
from edge_agent.core.effects import PublishCluster
from fluid.bundle import Manifest
from fluid.messages import Mode, Presence
from tests.unit.edge_agent.cut import DYNAMIC, STATIC
from tests.unit.edge_agent.making import (
    OTHER_DIGEST,
    all_of,
    cluster_state,
    heartbeat,
    offline,
    presence,
    settings,
)

PLACEMENT = {"lower": ("b",), "upper": ("a",)}


def cluster_of(manifest: Manifest, *others: Presence) -> Cluster:
    """The view of `a`, which hears its echo and has seen the others' presences."""
    cluster = Cluster(settings("a", manifest=manifest))
    cluster.peers.heartbeat(heartbeat("a"), 0.0)
    for other in others:
        cluster.presence(other, 0.0)
    return cluster


def mode_that_is_decided(cluster: Cluster, wish: Mode) -> Mode:
    """What `a`, which leads, makes of an operator's word."""
    me, idle = presence("a"), heartbeat("a")
    (claim,) = all_of(cluster.decide(me, idle, 0.0), PublishCluster)
    cluster.seen(claim.state, retained=False)
    cluster.wish(wish)
    updates = all_of(cluster.decide(me, idle, 0.1), PublishCluster)
    state = updates[-1].state if updates else claim.state
    assert state.operator_mode is wish
    return state.mode


def test_who_goes_to_another_mode_still_does_its_part_in_what_it_has() -> None:
    cluster = cluster_of(STATIC, presence("b", serving=Mode.HT), presence("c"))
    cluster.seen(cluster_state(1, "z", placement=PLACEMENT), retained=False)
    team = cluster.team()
    assert team.members == ("a",)  # who hears what comes from now on
    assert team.holders == PLACEMENT
    assert team.present == ("a", "b", "c")
    assert team.is_there("b")


@pytest.mark.parametrize("gone", [offline("b"), presence("b", bundle=OTHER_DIGEST)])
def test_who_is_gone_or_serves_another_bundle_does_not(gone: Presence) -> None:
    cluster = cluster_of(STATIC, gone)
    cluster.seen(cluster_state(1, "z", placement=PLACEMENT), retained=False)
    assert cluster.team().holders == {"lower": (), "upper": ("a",)}


def test_the_capacity_counts_of_whoever_goes_to_another_mode() -> None:
    """Else the others, which hear it still, would share the requests in another way."""
    cluster = cluster_of(STATIC, presence("b", serving=None, capacity=3.0))
    assert cluster.team().capacities == {"b": 3.0}


@pytest.mark.parametrize(
    ("manifest", "slots", "alone"),
    [
        (STATIC, ("lower",), False),
        (STATIC, ("lower", "upper"), True),
        (DYNAMIC, ("lower",), True),
        (DYNAMIC, ("upper",), False),
    ],
)
def test_who_holds_all_that_a_sub_network_needs_answers_alone(
    manifest: Manifest, slots: tuple[str, ...], *, alone: bool
) -> None:
    cluster = cluster_of(manifest)
    assert not cluster.answers_alone  # it holds nothing yet
    placement = dict.fromkeys(slots, ("a",))
    cluster.seen(cluster_state(1, "z", placement=placement), retained=False)
    assert cluster.answers_alone is alone


def test_the_mode_is_ht_only_where_somebody_can_answer_alone() -> None:
    # Two workers: the first that is seated takes the upper slot, the second the lower one.
    other = presence("b")
    assert mode_that_is_decided(cluster_of(STATIC, other), Mode.HT) is Mode.HA
    assert mode_that_is_decided(cluster_of(DYNAMIC, other), Mode.HT) is Mode.HT
    assert mode_that_is_decided(cluster_of(DYNAMIC), Mode.HT) is Mode.HA


def test_what_a_device_with_another_bundle_can_do_it_knows_itself() -> None:
    cluster = cluster_of(STATIC, presence("b", bundle=OTHER_DIGEST))
    assert mode_that_is_decided(cluster, Mode.HT) is Mode.HT
