from pathlib import Path

from fluid.bench.invoke_time import invoke_ms


def test_a_model_takes_some_time(bundle_folder: Path) -> None:
    assert 0 < invoke_ms(str(bundle_folder)) < 1000
