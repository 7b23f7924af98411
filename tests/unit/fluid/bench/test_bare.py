from pathlib import Path

import numpy as np
import pytest

from fluid.bench.bare import BareRun, first_images, invokes_per_s


@pytest.mark.parametrize("run", [BareRun(1234.5, 48.3), BareRun(1.0, None)])
def test_a_run_is_the_same_after_a_way_through_its_file(run: BareRun, tmp_path: Path) -> None:
    run.write(tmp_path / "bare.json")
    assert BareRun.read(tmp_path / "bare.json") == run


def test_only_the_invokes_are_timed_and_each_has_another_image() -> None:
    done: list[str] = []

    def clock_s() -> float:
        """2 s for each image that is put in, 0.5 s for each invoke."""
        return 2.0 * done.count("put") + 0.5 * done.count("invoke")

    rate = invokes_per_s(
        10.0, lambda: done.append("invoke"), put_next=lambda: done.append("put"), clock_s=clock_s
    )
    assert rate == 2.0
    assert done == ["put", "invoke"] * 4


def test_images_are_put_in_one_by_one(tmp_path: Path) -> None:
    images = np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2, 1)
    np.savez(tmp_path / "images.npz", images=images, labels=np.zeros(3))
    taken = first_images(tmp_path / "images.npz")
    assert [each.shape for each in taken] == [(1, 2, 2, 1)] * 3
    assert (np.concatenate(taken) == images).all()
