"""What listens while a network learns: history, checkpoints, early stopping, logs, a progress bar.

Each is a `TrainingObserver` (`trainer.training.progress`) that knows nothing of the others.
Importable without TensorFlow; only `TensorBoardLog` imports it, once it is made.
"""

from trainer.observers.checkpoint import (
    CheckpointWriter,
    discard_checkpoint,
    has_checkpoint,
    load_checkpoint,
)
from trainer.observers.early_stopping import EarlyStopping
from trainer.observers.group import ObserverGroup
from trainer.observers.history import History, HistoryWriter, load_history
from trainer.observers.progress_bar import progress_bar
from trainer.observers.tensorboard import TensorBoardLog

__all__ = [
    "CheckpointWriter",
    "EarlyStopping",
    "History",
    "HistoryWriter",
    "ObserverGroup",
    "TensorBoardLog",
    "discard_checkpoint",
    "has_checkpoint",
    "load_checkpoint",
    "load_history",
    "progress_bar",
]
