"""The checker finds violations that are planted for it: a test of the tests beside it."""

from pathlib import Path

import pytest

from tests.architecture import checker
from tests.architecture.test_imports import (
    ARROWS,
    CORE,
    CORE_CONTRACT,
    HOMES,
    IMPURE_BUILTINS,
    PURE_STANDARD_LIBRARY,
)


def _plant(root: Path, path: str, source: str) -> list[checker.Import]:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    return list(checker.read_imports(root, Path(path).parts[0]))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("import trainer\n", id="import"),
        pytest.param("from trainer.data import digits\n", id="from"),
        pytest.param("def lazily():\n    import trainer.data\n", id="inside a function"),
        pytest.param(
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import trainer\n",
            id="for types only",
        ),
    ],
)
@pytest.mark.parametrize("package", ["fluid", "edge_agent", "broker"])
def test_an_import_of_the_trainer_is_found(tmp_path: Path, package: str, source: str) -> None:
    imports = _plant(tmp_path, f"{package}/deep/module.py", source)
    (violation,) = checker.wrong_arrows(imports, ARROWS)
    assert violation.startswith(f"{package}.deep.module:")


def test_an_import_along_an_arrow_is_no_violation(tmp_path: Path) -> None:
    imports = _plant(tmp_path, "trainer/cli.py", "import fluid.bundle\nfrom trainer import data\n")
    assert checker.wrong_arrows(imports, ARROWS) == []


def test_paho_outside_its_module_is_found(tmp_path: Path) -> None:
    imports = _plant(tmp_path, "fluid/client.py", "from paho.mqtt import client\n")
    assert checker.misplaced(imports, HOMES) == ["fluid.client:1 imports paho.mqtt"]


def test_paho_inside_its_module_is_not(tmp_path: Path) -> None:
    imports = _plant(tmp_path, "fluid/bus/mqtt.py", "import paho.mqtt.client\n")
    assert checker.misplaced(imports, HOMES) == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("import time\n", id="clock"),
        pytest.param("from random import Random\n", id="randomness"),
        pytest.param("import os.path\n", id="environment"),
        pytest.param("import collections, threading\n", id="second name of a line"),
        pytest.param("from fluid import codec\n", id="module of ours that decodes images"),
        pytest.param("from fluid.bus import mqtt\n", id="adapter"),
        pytest.param("from .. import runtime\n", id="relative, out of the core"),
        pytest.param("import PIL\n", id="third party"),
    ],
)
def test_an_impure_import_of_the_core_is_found(tmp_path: Path, source: str) -> None:
    for module in ("fluid/codec.py", "fluid/bus/mqtt.py", "edge_agent/runtime.py"):
        _plant(tmp_path, module, "")
    imports = _plant(tmp_path, "edge_agent/core/node.py", source)
    violations = checker.impure(
        imports,
        package=CORE,
        allowed=CORE_CONTRACT,
        standard_library=PURE_STANDARD_LIBRARY,
    )
    assert len(violations) == 1


def test_what_the_core_may_import_is_no_violation(tmp_path: Path) -> None:
    source = "from collections.abc import Mapping\nfrom . import peers\nimport numpy as np\n"
    _plant(tmp_path, "edge_agent/core/peers.py", "from fluid.messages import Presence\n")
    imports = _plant(tmp_path, "edge_agent/core/node.py", source)
    violations = checker.impure(
        imports,
        package=CORE,
        allowed=CORE_CONTRACT,
        standard_library=PURE_STANDARD_LIBRARY,
    )
    assert violations == []


def test_an_impure_builtin_of_the_core_is_found(tmp_path: Path) -> None:
    _plant(tmp_path, "edge_agent/core/node.py", "def step():\n    return open('state')\n")
    assert checker.builtin_calls(tmp_path, CORE, IMPURE_BUILTINS) == [
        "edge_agent.core.node:2 calls open()"
    ]


def test_a_table_entry_that_is_no_module_is_found() -> None:
    assert checker.unknown_to_python({"itertools", "itertool"}) == ["itertool"]
