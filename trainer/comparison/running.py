"""Runs the trainings of a comparison in order, each once, whatever happens to one of them."""

from collections.abc import Callable, Sequence

from trainer.comparison.contenders import Training
from trainer.comparison.results import Refusal, Result
from trainer.comparison.store import ResultStore
from trainer.errors import ExportError, ParityError

Train = Callable[[Training], Result]
Say = Callable[[str], None]


def run_trainings(
    trainings: Sequence[Training], *, store: ResultStore, train: Train, say: Say
) -> tuple[tuple[Result, ...], tuple[Refusal, ...]]:
    """Train what is not in the store yet, and keep each result there as soon as it is known.

    A network that cannot be exported is a refusal, and the others go on. It is not kept: the next
    run tries again. say: gets a line for each step. Raises `OSError`, `ResumeError`, and what
    `train` raises otherwise.
    """
    results: list[Result] = []
    refusals: list[Refusal] = []
    for number, training in enumerate(trainings, start=1):
        heading = f"{number} of {len(trainings)}: {training}"
        result = store.find(training)
        if result is not None:
            say(f"{heading}: done in an earlier run")
        else:
            say(heading)
            try:
                result = train(training)
            except (ExportError, ParityError) as error:
                say(f"{training}: refused: {error}")
                name, seed = training.contender.name, training.settings.seed
                refusals.append(Refusal(name, seed, str(error)))
                continue
            store.keep(training, result)
            say(f"{training}: {result.wall_s:.1f} s of training")
        results.append(result)
    return tuple(results), tuple(refusals)
