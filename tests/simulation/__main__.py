"""`python -m tests.simulation`: see `tests.simulation.runner`."""

import os
import sys

# The order in which a set of names is gone through depends on it: a seed must be one story.
_HASH_SEED = "0"

if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != _HASH_SEED:
        command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | {"PYTHONHASHSEED": _HASH_SEED})  # noqa: S606 - this very program
    from tests.simulation.runner import main

    sys.exit(main())
