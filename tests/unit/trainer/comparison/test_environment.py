import platform
from importlib.metadata import version

from fluid.interpreter import find_interpreter
from trainer.comparison.environment import Environment


def test_it_tells_what_the_numbers_depend_on() -> None:
    here = Environment.here()
    assert here.cpus >= 1
    assert here.machine == platform.machine()
    assert here.python == platform.python_version()
    assert here.tensorflow == version("tensorflow")
    assert here.interpreter == find_interpreter().description
