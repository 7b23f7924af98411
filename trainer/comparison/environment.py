"""What a comparison ran on, as far as its numbers depend on it; no names of hosts or folders."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version

from fluid.interpreter import find_interpreter


@dataclass(frozen=True, slots=True)
class Environment:
    """machine: its architecture. cpus: how many. interpreter: the one that int8 was run on."""

    machine: str
    cpus: int
    python: str
    tensorflow: str
    interpreter: str

    @classmethod
    def here(cls) -> "Environment":
        """This machine; raises `InterpreterMissing`."""
        return cls(
            machine=platform.machine(),
            cpus=os.cpu_count() or 1,
            python=platform.python_version(),
            tensorflow=version("tensorflow"),
            interpreter=find_interpreter().description,
        )
