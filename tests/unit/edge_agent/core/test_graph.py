from collections.abc import Mapping

import pytest

from edge_agent.core.graph import Graph, Part, Plan
from fluid.bundle import Manifest
from fluid.errors import BundleError
from tests.unit.edge_agent.cut import DYNAMIC, STATIC
from tests.unit.edge_agent.making import MANIFEST
from tests.unit.fluid.stage_files import unrunnable_bundle

LOWER, UPPER = ("lower",), ("upper",)
BOTH = ("lower", "upper")
PAIR = {"lower": "a", "upper": "b"}
ALL_OURS = {"lower": "a", "upper": "a"}


def graph_of(manifest: Manifest) -> Graph:
    graph = Graph.of(manifest)
    assert graph is not None
    return graph


def plan_of(manifest: Manifest, *slots: str) -> Plan:
    plan = graph_of(manifest).best(slots)
    assert plan is not None
    return plan


def part_of(manifest: Manifest, agent: str, owners: Mapping[str, str] = PAIR) -> Part:
    return plan_of(manifest, *BOTH).part(agent, owners)


def ready(part: Part, known: tuple[str, ...] = (), done: tuple[str, ...] = ()) -> list[str]:
    return [each.name for each in part.ready(known=known, done=done)]


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
    part = part_of(STATIC, "a")
    assert ready(part) == ["conv.lower"]
    assert ready(part, ("conv.lower",)) == []
    assert ready(part, ("conv.upper",)) == ["conv.lower", "logits.lower"]
    assert ready(part, ("conv.lower", "conv.upper")) == ["logits.lower"]
    assert ready(part, ("conv.lower", "conv.upper"), ("logits.lower",)) == []


def test_stages_that_wait_for_nobody_run_one_after_the_other() -> None:
    assert ready(part_of(DYNAMIC, "a")) == ["conv.lower", "logits.lower"]
    assert ready(part_of(DYNAMIC, "b")) == ["conv.upper"]
    assert len(ready(part_of(STATIC, "a", ALL_OURS))) == 4


def test_the_devices_whose_maps_are_lacking_are_awaited() -> None:
    part = part_of(STATIC, "a")
    assert part.awaited(("conv.lower",)) == ("b",)
    assert part.awaited(("conv.lower", "conv.upper")) == ()
    assert part_of(STATIC, "a", ALL_OURS).awaited(()) == ()
    assert part_of(DYNAMIC, "a").awaited(()) == ()
    assert part_of(DYNAMIC, "b").awaited(()) == ("a",)


def test_a_map_goes_to_the_other_devices_that_read_it() -> None:
    assert part_of(STATIC, "a").outgoing == (("conv.lower", ("b",)),)
    assert part_of(STATIC, "a").first == {"conv.lower"}
    assert part_of(DYNAMIC, "a").outgoing == (("conv.lower", ("b",)),)
    assert part_of(DYNAMIC, "b").outgoing == ()
    assert part_of(STATIC, "a", ALL_OURS).outgoing == ()


def test_who_owns_no_slot_has_no_part() -> None:
    part = part_of(STATIC, "c")
    assert (part.stages, part.logits, part.wanted, part.outgoing) == ((), (), (), ())
    assert part.owners == {"a", "b"}
    assert part_of(STATIC, "a").logits == ("logits.lower",)


def test_a_sub_network_that_lacks_a_map_is_refused() -> None:
    with pytest.raises(BundleError, match="stages logits_lower read feature maps that none"):
        Graph.of(unrunnable_bundle().manifest)
