"""`python -m fluid.bench.device_facts`: what an agent would run on with this Python, as JSON.

Fails, with the reason on standard error, where an agent could not run.
"""

import importlib
import importlib.metadata
import json
import platform
import sys
from dataclasses import asdict, dataclass

from fluid.errors import FluidError
from fluid.interpreter import find_interpreter


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """The versions of all that the speed of an agent depends on."""

    python: str
    interpreter: str
    numpy: str
    paho_mqtt: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "DeviceFacts":
        """What `to_json` wrote. Raises ValueError or TypeError for anything else."""
        return cls(**json.loads(text))


def device_facts() -> DeviceFacts:
    """Of this process. Raises `InterpreterMissing`, and ImportError where the agent lacks more."""
    # By name: the benchmark drives agents as programs, and depends on none of their modules.
    importlib.import_module("edge_agent.cli")
    return DeviceFacts(
        python=platform.python_version(),
        interpreter=find_interpreter().description,
        numpy=importlib.metadata.version("numpy"),
        paho_mqtt=importlib.metadata.version("paho-mqtt"),
    )


def main() -> None:
    """Print them, for the program that has started us."""
    try:
        print(device_facts().to_json())  # noqa: T201
    except (FluidError, ImportError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
