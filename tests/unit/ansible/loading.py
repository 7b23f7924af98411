"""The Python files below ansible/, which belong to no package: Ansible finds them by place."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).resolve().parents[3]
ANSIBLE = REPOSITORY / "ansible"


def load(path: str) -> ModuleType:
    """A file below ansible/ as a module."""
    name = f"_ansible_{path.replace('/', '_').removesuffix('.py')}"
    spec = spec_from_file_location(name, ANSIBLE / path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
