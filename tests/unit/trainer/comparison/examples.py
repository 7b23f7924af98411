"""Comparisons that nobody ran, for what is computed from them."""

from collections.abc import Mapping

from trainer.comparison.contenders import (
    DYNAMIC,
    JOINT,
    NESTED,
    STATIC,
    Contender,
    Training,
    plan_trainings,
)
from trainer.comparison.environment import Environment
from trainer.comparison.results import Comparison, Refusal, Result
from trainer.training.settings import TrainingSettings

SETTINGS = TrainingSettings(epochs=16, teacher_epochs=8)
ENVIRONMENT = Environment(
    machine="aarch64", cpus=4, python="3.11.2", tensorflow="2.19.1", interpreter="lite 1.0"
)


def result(
    contender: Contender,
    seed: int = 0,
    *,
    int8: Mapping[str, float] | None = None,
    loss: float = 0.0,
    wall_s: float = 10.0,
    device_macs: Mapping[str, int] | None = None,
    size_bytes: int = 4000,
) -> Result:
    """loss: what int8 costs every sub-network."""
    int8 = {"100": 0.5} if int8 is None else int8
    return Result(
        contender=contender.name,
        seed=seed,
        passes=24,
        wall_s=wall_s,
        float_accuracy={name: accuracy + loss for name, accuracy in int8.items()},
        int8_accuracy=int8,
        device_macs=device_macs or {"lower": 1000, "upper": 1000},
        size_bytes=size_bytes,
        digest=f"{seed:064x}",
    )


def trainings(seeds: int = 1) -> tuple[Training, ...]:
    return plan_trainings(SETTINGS, seeds=seeds)


def comparison(*results: Result, seeds: int = 2, refusals: tuple[Refusal, ...] = ()) -> Comparison:
    return Comparison(
        dataset="mnist",
        train_images=54_000,
        test_images=10_000,
        environment=ENVIRONMENT,
        trainings=trainings(seeds),
        results=results,
        refusals=refusals,
    )


def two_seeds() -> Comparison:
    """All contenders, with numbers that a reader can check."""
    fluid = {"lower50": 0.98, "100": 0.990, "upper50": 0.97}
    better = {"lower50": 0.99, "100": 0.994, "upper50": 0.98}
    return comparison(
        result(STATIC, 0, int8={"100": 0.992}, wall_s=10.0),
        result(DYNAMIC, 0, int8={"lower50": 0.90, "100": 0.95}, wall_s=11.0),
        result(NESTED, 0, int8=fluid, loss=0.0004, wall_s=20.0, size_bytes=5000),
        result(JOINT, 0, int8=fluid, wall_s=25.0),
        result(STATIC, 1, int8={"100": 0.994}, wall_s=20.0),
        result(DYNAMIC, 1, int8={"lower50": 0.92, "100": 0.96}, wall_s=20.0),
        result(NESTED, 1, int8=better, loss=0.0008, wall_s=50.0, size_bytes=5002),
        result(JOINT, 1, int8=better, wall_s=30.0),
    )
