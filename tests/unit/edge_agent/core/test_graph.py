import pytest

from edge_agent.core.graph import Graph, Plan
from fluid.bundle import Manifest
from fluid.errors import BundleError
from tests.unit.edge_agent.cut import DYNAMIC, STATIC
from tests.unit.edge_agent.making import MANIFEST
from tests.unit.fluid.stage_files import unrunnable_bundle

LOWER, UPPER = ("lower",), ("upper",)
BOTH = ("lower", "upper")


def graph_of(manifest: Manifest) -> Graph:
    graph = Graph.of(manifest)
    assert graph is not None
    return graph


def plan_of(manifest: Manifest, *slots: str) -> Plan:
    plan = graph_of(manifest).best(slots)
    assert plan is not None
    return plan


def ready(
    plan: Plan, slots: tuple[str, ...], known: tuple[str, ...] = (), done: tuple[str, ...] = ()
) -> list[str]:
    return [each.name for each in plan.ready(slots, known=known, done=done)]


def test_a_bundle_of_whole_stages_has_no_graph() -> None:
    assert Graph.of(MANIFEST) is None


@pytest.mark.parametrize(
    ("manifest", "slots", "subnetwork"),
    [
        (STATIC, BOTH, "100"),
        (STATIC, LOWER, None),
        (STATIC, UPPER, None),
        (DYNAMIC, BOTH, "100"),
        (DYNAMIC, LOWER, "lower50"),
        (DYNAMIC, UPPER, None),
        (DYNAMIC, (), None),
    ],
)
def test_the_widest_that_the_held_slots_can_run_is_run(
    manifest: Manifest, slots: tuple[str, ...], subnetwork: str | None
) -> None:
    plan = graph_of(manifest).best(slots)
    assert (plan.subnetwork if plan else None) == subnetwork


def test_what_is_lacking_is_the_least_that_would_help() -> None:
    assert graph_of(STATIC).lacking(LOWER) == UPPER
    assert graph_of(STATIC).lacking(()) == BOTH
    assert graph_of(DYNAMIC).lacking(UPPER) == LOWER
    assert graph_of(DYNAMIC).lacking(()) == LOWER
    assert graph_of(DYNAMIC).lacking(LOWER) == ()


def test_the_logits_are_in_the_order_of_the_slots() -> None:
    assert plan_of(STATIC, *BOTH).logits == ("logits.lower", "logits.upper")
    assert plan_of(DYNAMIC, *LOWER).logits == ("lower50",)


def test_a_layer_runs_once_the_maps_of_all_slots_are_there() -> None:
    plan = plan_of(STATIC, *BOTH)
    assert ready(plan, LOWER) == ["conv.lower"]
    assert ready(plan, LOWER, ("conv.lower",)) == []
    assert ready(plan, LOWER, ("conv.upper",)) == ["conv.lower", "logits.lower"]
    assert ready(plan, LOWER, ("conv.lower", "conv.upper")) == ["logits.lower"]
    assert ready(plan, LOWER, ("conv.lower", "conv.upper"), ("logits.lower",)) == []


def test_stages_that_wait_for_nobody_run_one_after_the_other() -> None:
    assert ready(plan_of(DYNAMIC, *BOTH), LOWER) == ["conv.lower", "logits.lower"]
    assert ready(plan_of(DYNAMIC, *BOTH), UPPER) == ["conv.upper"]
    assert len(ready(plan_of(STATIC, *BOTH), BOTH)) == 4


def test_the_slots_whose_maps_are_lacking_are_awaited() -> None:
    plan = plan_of(STATIC, *BOTH)
    assert plan.awaited(LOWER, known=("conv.lower",)) == UPPER
    assert plan.awaited(LOWER, known=("conv.lower", "conv.upper")) == ()
    assert plan.awaited(BOTH, known=()) == ()
    assert plan_of(DYNAMIC, *BOTH).awaited(LOWER, known=()) == ()
    assert plan_of(DYNAMIC, *BOTH).awaited(UPPER, known=()) == LOWER


def test_a_map_goes_to_the_slots_that_read_it() -> None:
    assert plan_of(STATIC, *BOTH).readers("conv.lower") == BOTH
    assert plan_of(DYNAMIC, *BOTH).readers("conv.lower") == BOTH
    assert plan_of(DYNAMIC, *BOTH).readers("conv.upper") == UPPER
    assert plan_of(STATIC, *BOTH).is_first("conv.lower")
    assert not plan_of(STATIC, *BOTH).is_first("logits.lower")


def test_a_sub_network_that_lacks_a_map_is_refused() -> None:
    with pytest.raises(BundleError, match="stages logits_lower read feature maps that none"):
        Graph.of(unrunnable_bundle().manifest)
