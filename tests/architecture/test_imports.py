"""The arrows between the packages. A change here is a change of the architecture."""

from pathlib import Path

import pytest

from tests.architecture import checker

ROOT = Path(__file__).parents[2]

# Which of our packages each may import, besides itself. `fluid` is the contract that all share,
# so it may need none of them; a device must never need the trainer.
ARROWS = {
    "fluid": set[str](),
    "broker": {"fluid"},
    "trainer": {"fluid"},
    "edge_agent": {"fluid"},
}

# Libraries that only some modules may import. One place knows paho, so that the bus can be
# replaced; TensorFlow and what comes with it never reach a device.
HOMES = {
    "paho": {"fluid.bus.mqtt"},
    # Optional, and so only where `--metrics-port` leads.
    "prometheus_client": {"edge_agent.metrics", "edge_agent.metrics_endpoint"},
    # Optional, and so only behind `fluid dashboard`.
    "starlette": {"fluid.dashboard"},
    "uvicorn": {"fluid.dashboard"},
    "tensorflow": {"trainer"},
    "keras": {"trainer"},
    "scipy": {"trainer"},
    "sklearn": {"trainer"},
    # For the benchmark's plots, which it does without where there is no Matplotlib.
    "matplotlib": {"trainer", "fluid.bench.plots"},
    "ansible": set[str](),
}

# The agent's core is a state machine: step(event, now) -> effects. It may use our contract...
CORE = "edge_agent.core"
CORE_CONTRACT = {
    "fluid.bundle",
    "fluid.bus.protocol",  # the values that a link gives and takes; the links are the adapter's
    "fluid.errors",
    "fluid.messages",
    "fluid.submodel",
    "fluid.topics",
    "numpy",
}
# ... and those parts of the standard library that neither read a clock or the environment, nor
# draw random numbers, wait, lock, log or do input and output.
PURE_STANDARD_LIBRARY = {
    "abc",
    "bisect",
    "collections",
    "copy",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "struct",
    "types",
    "typing",
}
IMPURE_BUILTINS = {"open", "print", "input", "exec", "eval", "breakpoint"}


@pytest.mark.parametrize("package", ARROWS)
def test_packages_import_along_the_arrows(package: str) -> None:
    imports = list(checker.read_imports(ROOT, package))
    assert imports
    assert checker.wrong_arrows(imports, ARROWS) == []


@pytest.mark.parametrize("package", ARROWS)
def test_libraries_stay_where_they_belong(package: str) -> None:
    assert checker.misplaced(checker.read_imports(ROOT, package), HOMES) == []


def test_the_core_imports_nothing_that_acts_or_varies() -> None:
    violations = checker.impure(
        _imports_of_the_core(),
        package=CORE,
        allowed=CORE_CONTRACT | {"fluid.bus"},
        standard_library=PURE_STANDARD_LIBRARY,
    )
    assert violations == []


def test_the_core_takes_only_values_from_the_bus() -> None:
    """`from fluid.bus import X` reads as the package; its adapters are modules below it."""
    below_the_bus = {
        each.imported
        for each in _imports_of_the_core()
        if checker.is_inside(each.imported, {"fluid.bus"})
    }
    assert below_the_bus <= {"fluid.bus", "fluid.bus.protocol"}


def test_the_core_calls_no_impure_builtin() -> None:
    assert checker.builtin_calls(ROOT, CORE, IMPURE_BUILTINS) == []


def test_the_tables_name_real_modules() -> None:
    assert checker.unknown_to_python(PURE_STANDARD_LIBRARY) == []
    for package in ARROWS:
        assert (ROOT / package / "__init__.py").is_file()


def _imports_of_the_core() -> list[checker.Import]:
    imports = [
        each
        for each in checker.read_imports(ROOT, "edge_agent")
        if checker.is_inside(each.importer, {CORE})
    ]
    assert imports
    return imports
