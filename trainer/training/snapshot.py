"""`Snapshot`: all that a training needs to go on as if it had never been interrupted.

Plain values only, so that it can be stored in any way. Imports no TensorFlow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The state of a training after an epoch.

    epochs_done: passes so far. arrays: weights and optimiser state, by a name that says whose.
    notes: JSON-ready values (the state of the random generator, the best round so far).
    fingerprint: names the plan (data set, topology, settings); a snapshot continues no other.
    """

    epochs_done: int
    arrays: Mapping[str, NDArray[np.generic]]
    notes: Mapping[str, Any]
    fingerprint: str
