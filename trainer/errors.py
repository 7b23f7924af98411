"""Every error that the trainer raises on purpose; the message is one line that says what to do.

FluidError
└── TrainerError
    ├── DatasetError            images and labels that cannot be trained or measured on
    │   └── UnknownDataset          no data set of that name
    ├── DependencyMissing       a package of the 'trainer' extra is not installed
    ├── ExportError             a sub-model that cannot become a TFLite file
    └── ParityError             an exported file that answers otherwise than its Keras original
"""

from fluid.errors import FluidError


class TrainerError(FluidError):
    """The root of what the trainer raises on purpose."""


class DatasetError(TrainerError):
    """Images and labels that cannot be used; names the file where there is one."""


class UnknownDataset(DatasetError):
    """No data set of that name."""


class DependencyMissing(TrainerError):
    """A package of the 'trainer' extra is not installed."""


class ExportError(TrainerError):
    """A sub-model that cannot become a full-int8 TFLite file."""


class ParityError(TrainerError, AssertionError):
    """An exported file answers otherwise than its Keras original.

    Also an `AssertionError`, so that `assert_parity` reads as an assertion in a test.
    """
