from pathlib import Path

import pytest

from fluid.bench.bare import BareRun


@pytest.mark.parametrize("run", [BareRun(1234.5, 48.3), BareRun(1.0, None)])
def test_a_run_is_the_same_after_a_way_through_its_file(run: BareRun, tmp_path: Path) -> None:
    run.write(tmp_path / "bare.json")
    assert BareRun.read(tmp_path / "bare.json") == run
