import re

import pytest

from tests.examples.conftest import OwnDataSet
from tests.examples.photos import CLASSES
from tests.examples.running import EXAMPLES, environment, run

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]


def test_a_folder_of_photos_becomes_a_cluster_that_knows_them(own_data_set: OwnDataSet) -> None:
    done = own_data_set.done
    assert done.returncode == 0, done.stderr
    assert "100 equal bit for bit on 2 interpreters" in done.stdout
    answers = re.findall(r"(\w+)/000\.jpg +│ (\w+) +│ [\d.]+% +│ (\w+) ", done.stdout)
    assert answers == [(name, name, "100") for name in CLASSES]


def test_without_arguments_it_says_how_it_is_used() -> None:
    done = run([EXAMPLES / "own_data_set" / "own_data_set.sh"], env=environment())
    assert done.returncode == 2
    assert "own_data_set.sh PHOTOS BUNDLE" in done.stderr
