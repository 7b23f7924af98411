"""How a training run is watched, ended and taken up again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from trainer.cli.option_groups import option_group
from trainer.observers import (
    CheckpointWriter,
    EarlyStopping,
    HistoryWriter,
    ObserverGroup,
    TensorBoardLog,
    has_checkpoint,
    load_checkpoint,
    load_history,
    progress_bar,
)
from trainer.training.progress import EpochReport, TrainingObserver
from trainer.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a training run is watched, ended and taken up again."""

    resume: bool
    patience: int | None
    tensorboard: Path | None

    def begin(self, folder: Path) -> "Run":
        """A run whose files are in `folder`, which must exist.

        Raises `ResumeError` if one is to be resumed and cannot be.
        """
        if not self.resume:
            if has_checkpoint(folder):
                click.echo(
                    f"{folder}: an interrupted training is begun anew, not resumed", err=True
                )
            return Run(self, folder)
        snapshot = load_checkpoint(folder)
        return Run(self, folder, snapshot, load_history(folder, epochs=snapshot.epochs_done))


@dataclass(frozen=True, slots=True)
class Run:
    """A training run. snapshot: where it goes on, None from the beginning. earlier: the epochs
    before that."""

    options: RunOptions
    folder: Path
    snapshot: Snapshot | None = None
    earlier: tuple[EpochReport, ...] = ()

    @contextmanager
    def observer(self, *, last_step: str) -> Iterator[TrainingObserver]:
        """What listens to it, for a block; `last_step`: the one that `--patience` is about."""
        # The history goes first: a training killed between the two has one epoch too many there,
        # which resuming drops, and not one too few.
        observers: list[TrainingObserver] = [
            HistoryWriter(self.folder, earlier=self.earlier),
            CheckpointWriter(self.folder),
        ]
        if self.options.patience is not None:
            observers.append(
                EarlyStopping(
                    patience=self.options.patience, last_step=last_step, earlier=self.earlier
                )
            )
        if self.options.tensorboard is not None:
            observers.append(TensorBoardLog(self.options.tensorboard))
        with progress_bar(Console(stderr=True)) as bar:
            yield ObserverGroup([*observers, bar])


run_options = option_group(
    "run",
    RunOptions,
    click.option("--resume", is_flag=True, help="Go on with an interrupted training of OUTPUT."),
    click.option(
        "--patience",
        type=click.IntRange(min=1),
        metavar="EPOCHS",
        help="End the last step once the worst sub-network has got no better for so long.",
    ),
    click.option(
        "--tensorboard",
        type=click.Path(file_okay=False, path_type=Path),
        help="Write logs for TensorBoard into this folder.",
    ),
)
