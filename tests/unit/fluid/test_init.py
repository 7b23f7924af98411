import subprocess
import sys

import pytest

import fluid


@pytest.mark.parametrize("name", fluid.__all__)
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(fluid, name).__name__ == name
    assert name in dir(fluid)


def test_public_names_are_sorted_and_said_once() -> None:
    assert fluid.__all__ == sorted(set(fluid.__all__))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Fluidd'"):
        fluid.Fluidd  # noqa: B018 -- looking it up is the test


def test_importing_fluid_waits_for_nothing_heavy() -> None:
    script = "import fluid, sys; sys.exit(bool({'numpy', 'PIL', 'paho'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert done.returncode == 0
