"""Every error that the trainer raises on purpose; the message is one line that says what to do.

FluidError
└── TrainerError
    ├── ArchitectureError       a network that cannot be built as it was asked for
    │   ├── BackboneNotFound        no such module or function
    │   ├── BackboneFailed          a backbone that raises, or returns no new Keras layers
    │   └── BlockMisfit             blocks that cannot be joined, or too small an image for them
    ├── DatasetError            images and labels that cannot be trained or measured on
    │   └── UnknownDataset          no data set of that name
    ├── DependencyMissing       a package of the 'trainer' extra is not installed
    ├── ExportError             a stage that cannot become a TFLite file
    │   └── QuantizationLoss        int8 that costs more accuracy than is allowed
    ├── ParityError             an exported file that answers otherwise than its Keras original
    └── ResumeError             a checkpoint that this training cannot go on from
"""

from fluid.errors import FluidError


class TrainerError(FluidError):
    """The root of what the trainer raises on purpose."""


class ArchitectureError(TrainerError):
    """A network that cannot be built as it was asked for."""


class BackboneNotFound(ArchitectureError):
    """No such module, or nothing in it of that name that can be called."""


class BackboneFailed(ArchitectureError):
    """A backbone that raises, or does not return new Keras layers; says where."""


class BlockMisfit(ArchitectureError):
    """Blocks whose outputs cannot be joined, or which need a larger image."""


class DatasetError(TrainerError):
    """Images and labels that cannot be used; names the file where there is one."""


class UnknownDataset(DatasetError):
    """No data set of that name."""


class DependencyMissing(TrainerError):
    """A package of the 'trainer' extra is not installed."""


class ExportError(TrainerError):
    """A stage that cannot become a full-int8 TFLite file."""


class QuantizationLoss(ExportError):
    """A network that loses more accuracy in int8 than is allowed."""


class ParityError(TrainerError, AssertionError):
    """An exported file answers otherwise than its Keras original.

    Also an `AssertionError`, so that `assert_parity` reads as an assertion in a test.
    """


class TrainingDiverged(TrainerError):
    """A loss that is no number any more."""


class ResumeError(TrainerError):
    """A checkpoint that this training cannot go on from."""
