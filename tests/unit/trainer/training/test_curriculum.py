from trainer.topology import Block, Topology
from trainer.training.curriculum import alone_pass, consolidation, incremental_pass, nested_rounds
from trainer.training.settings import TrainingSettings


def test_the_incremental_pass_trains_each_new_block_and_no_other() -> None:
    steps = incremental_pass(Topology.of(2), epochs=3)
    assert [(step.name, step.learning, step.epochs) for step in steps] == [
        ("lower25", (Block(0, 0),), 3),
        ("lower50", (Block(0, 1),), 3),
        ("75", (Block(1, 0),), 3),
        ("100", (Block(1, 1),), 3),
    ]


def test_the_alone_pass_trains_the_upper_slot_for_itself() -> None:
    steps = alone_pass(Topology.of(2), epochs=3)
    assert [(step.name, step.learning) for step in steps] == [
        ("upper25", (Block(1, 0),)),
        ("upper50", (Block(1, 1),)),
    ]
    assert [spec.name for step in steps for spec in step.objectives] == ["upper25", "upper50"]


def test_the_consolidation_trains_everything_and_the_widest_teaches() -> None:
    topology = Topology.of(2)
    step = consolidation(topology, epochs=3)
    assert set(step.learning) == set(topology.blocks())
    assert set(step.objectives) == set(topology.sub_networks())
    assert (step.objectives[-1].name, step.distilled) == ("100", True)


def test_rounds_repeat_both_passes_and_end_with_the_consolidation() -> None:
    settings = TrainingSettings(epochs=2, rounds=3, consolidation_factor=4)
    rounds = nested_rounds(Topology.of(2), settings)
    assert [[step.name for step in steps] for steps in rounds] == [
        *[["lower25", "lower50", "75", "100", "upper25", "upper50"]] * 3,
        ["all"],
    ]
    assert rounds[-1][0].epochs == 8
