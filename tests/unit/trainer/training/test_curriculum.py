import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.topology import Block, Family, Topology
from trainer.training.curriculum import alone_pass, consolidation, curriculum, incremental_pass
from trainer.training.settings import ALGORITHMS, Algorithm, TrainingSettings


def test_the_incremental_pass_trains_each_new_block_and_no_other() -> None:
    steps = incremental_pass(Topology.of(2), epochs=(3, 2, 2, 1))
    assert [(step.name, step.learning, step.epochs) for step in steps] == [
        ("lower25", (Block(0, 0),), 3),
        ("lower50", (Block(0, 1),), 2),
        ("75", (Block(1, 0),), 2),
        ("100", (Block(1, 1),), 1),
    ]


def test_the_alone_pass_trains_the_upper_slot_for_itself() -> None:
    steps = alone_pass(Topology.of(2), epochs=3)
    assert [(step.name, step.learning) for step in steps] == [
        ("upper25", (Block(1, 0),)),
        ("upper50", (Block(1, 1),)),
    ]
    assert [spec.name for step in steps for spec in step.objectives] == ["upper25", "upper50"]


def test_the_consolidation_trains_everything_and_the_widest_comes_last() -> None:
    topology = Topology.of(2)
    step = consolidation(topology, epochs=3)
    assert set(step.learning) == set(topology.blocks())
    assert set(step.objectives) == set(topology.sub_networks())
    assert step.objectives[-1].name == "100"


def test_nested_rounds_repeat_both_passes_and_end_with_the_consolidation() -> None:
    settings = TrainingSettings(epochs=44, rounds=3, growth_epochs=2)
    rounds = curriculum(Topology.of(2), Algorithm.NESTED_INCREMENTAL, settings)
    assert [[step.name for step in steps] for steps in rounds] == [
        *[["lower25", "lower50", "75", "100", "upper25", "upper50"]] * 3,
        ["all"],
    ]
    assert [step.epochs for step in rounds[0]] == [2] * 6
    assert rounds[-1][0].epochs == 44 - 3 * 6 * 2


def test_incremental_training_grows_once_and_leaves_narrower_widths_alone() -> None:
    topology = Topology.of(2, family=Family.DYNAMIC)
    (steps,) = curriculum(topology, Algorithm.INCREMENTAL, TrainingSettings(epochs=10))
    assert [(step.name, step.epochs) for step in steps] == [
        ("lower25", 3),
        ("lower50", 3),
        ("75", 2),
        ("100", 2),
    ]
    learnt = [block for step in steps for block in step.learning]
    assert learnt == list(topology.blocks())


def test_a_static_network_learns_as_one() -> None:
    topology = Topology.of(2, family=Family.STATIC)
    ((step,),) = curriculum(topology, Algorithm.STATIC, TrainingSettings(epochs=5))
    assert (step.name, step.epochs, step.learning) == ("100", 5, topology.blocks())


_CHOICES = [(family, algorithm) for family, found in ALGORITHMS.items() for algorithm in found]


@given(
    choice=st.sampled_from(_CHOICES),
    slots=st.integers(1, 4),
    epochs=st.integers(1, 60),
    rounds=st.integers(1, 3),
)
def test_all_algorithms_take_the_same_number_of_passes(
    choice: tuple[Family, Algorithm], slots: int, epochs: int, rounds: int
) -> None:
    family, algorithm = choice
    topology = Topology.of(slots, family=family)
    settings = TrainingSettings(epochs=epochs, rounds=rounds)
    steps = [step for steps in curriculum(topology, algorithm, settings) for step in steps]
    assert sum(step.epochs for step in steps) == max(epochs, len(steps))
    assert {block for step in steps for block in step.learning} == set(topology.blocks())


@pytest.mark.parametrize("family", [Family.FLUID, Family.DYNAMIC])
def test_with_one_slot_there_is_nobody_to_work_alone(family: Family) -> None:
    assert alone_pass(Topology.of(1, family=family), epochs=1) == ()
