"""The Python that the devices run: agents, and what they are measured against.

It need not be the one that runs the benchmark. On a Raspberry Pi agents run on tflite-runtime,
which needs an older NumPy than TensorFlow does, so it has an environment of its own.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from fluid.bench.device_facts import DeviceFacts
from fluid.bench.errors import BadDevicePython

# Loading an interpreter takes seconds where the machine is busy; invoking the slow model, too.
_TIMEOUT_S = 120.0
_MEND = (
    "give --device-python a Python that has this project with its extra 'agent', such as the one "
    "that scripts/device-environment makes"
)


@dataclass(frozen=True, slots=True)
class DevicePython:
    """file: its program. A link to it stays one, as it tells which environment is meant."""

    file: Path

    def command(self, module: str, *arguments: str) -> list[str]:
        """What runs a module with it."""
        return [str(self.file.absolute()), "-m", module, *arguments]

    def facts(self) -> DeviceFacts:
        """What it has. Raises `BadDevicePython` if it cannot run an agent."""
        said = self._output("fluid.bench.device_facts")
        try:
            return DeviceFacts.from_json(said)
        except (ValueError, TypeError) as error:
            raise self._bad("it does not answer as a Python would") from error

    def invoke_ms(self, bundle: Path) -> float:
        """See `fluid.bench.invoke_time`. Raises `BadDevicePython` if it cannot run the bundle."""
        said = self._output("fluid.bench.invoke_time", str(bundle))
        try:
            return float(said)
        except ValueError as error:
            raise self._bad("it does not answer as a Python would") from error

    def _output(self, module: str, *arguments: str) -> str:
        try:
            ended = subprocess.run(
                self.command(module, *arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except OSError as error:
            raise self._bad(f"it cannot be started: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise self._bad(f"it said nothing for {_TIMEOUT_S:g} s") from error
        if ended.returncode:
            lines = ended.stderr.split("\n")
            reasons = [line.strip() for line in lines if line.strip()]
            raise self._bad(reasons[-1] if reasons else f"exit status {ended.returncode}")
        return ended.stdout

    def _bad(self, reason: str) -> BadDevicePython:
        return BadDevicePython(f"{self.file}: cannot run an agent ({reason}); {_MEND}")
