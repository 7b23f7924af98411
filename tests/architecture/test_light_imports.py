"""A device has no TensorFlow: what it imports must not need it, nor load it where it exists.

Nor need it prometheus-client, which only a device that serves metrics loads, nor what only
`fluid dashboard` does.
"""

import subprocess
import sys

import pytest

HEAVY = (
    "tensorflow",
    "keras",
    "scipy",
    "sklearn",
    "matplotlib",
    "prometheus_client",
    "starlette",
    "uvicorn",
)
LIGHT_MODULES = (
    "broker",
    "edge_agent",
    "edge_agent.cli",
    "fluid",
    "fluid.bench.cli",
    "fluid.cli",
    "fluid.client",
    "fluid.demo.cli",
    # Listing the commands and measuring a bundle must not wait for TensorFlow either.
    "trainer.cli",
    "trainer.dataset_cli",
    "trainer.verification",
)

_LOADED = """
import importlib, sys
importlib.import_module(sys.argv[1])
print(*sorted(set(sys.argv[2:]) & set(sys.modules)))
"""

_WITHOUT = """
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[2:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
importlib.import_module(sys.argv[1])
"""


def _run(program: str, module: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program, module, *HEAVY],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    ended = _run(_LOADED, module)
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (0, [], "")


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_it_imports_where_nothing_heavy_is_installed(module: str) -> None:
    ended = _run(_WITHOUT, module)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("module", HEAVY)
def test_the_absence_that_these_tests_fake_is_felt(module: str) -> None:
    ended = _run(_WITHOUT, module)
    assert ended.returncode == 1
    assert f"No module named '{module}'" in ended.stderr
