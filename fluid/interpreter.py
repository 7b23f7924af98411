"""Loads the one TFLite interpreter that this machine has, and says which it took.

`tflite-runtime` is preferred where its wheels exist (Python 3.11 on aarch64 and armv7l), because
it is small; elsewhere it is `ai-edge-litert`. The two differ by one quantisation step in a few
per cent of the logits, so a cluster that combines partial logits should run one of them: hence
`description` appears in each agent's log and presence.
"""

import importlib
from dataclasses import dataclass
from typing import Any

from fluid.errors import InterpreterMissing

_CANDIDATES = (
    ("tflite-runtime", "tflite_runtime.interpreter"),
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
)


@dataclass(frozen=True, slots=True)
class InterpreterPackage:
    """An installed interpreter: its distribution, version and `Interpreter` class."""

    distribution: str
    version: str
    interpreter_class: Any  # neither package ships type stubs

    @property
    def description(self) -> str:
        """For people and logs, for example `tflite-runtime 2.14.0`."""
        return f"{self.distribution} {self.version}"


def find_interpreter() -> InterpreterPackage:
    """The first interpreter that imports; raises `InterpreterMissing` if none does."""
    for distribution, module_name in _CANDIDATES:
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            continue
        return InterpreterPackage(distribution, _version(module_name), module.Interpreter)
    raise InterpreterMissing(
        "no TFLite interpreter is installed: pip install -c constraints.txt '.[agent]' in the clone"
    )


def _version(module_name: str) -> str:
    """As the package says itself: `importlib.metadata` would take a megabyte of a small device."""
    package = importlib.import_module(module_name.partition(".")[0])
    return str(package.__version__)
