"""The commands that the trainer adds to `fluid`. One command, one file.

TensorFlow is imported inside the functions, so that `--help` is quick and `evaluate` works
without it. Errors leave as `FluidError`: the `fluid` command says them in one line.
"""

from trainer.cli.compare import compare
from trainer.cli.evaluate import evaluate
from trainer.cli.train import train
from trainer.cli.verify import verify

__all__ = ["compare", "evaluate", "train", "verify"]
