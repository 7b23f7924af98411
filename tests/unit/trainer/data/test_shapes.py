from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image

from trainer.data.shapes import main, write_shapes


def _pixels(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jpg"))
    }


def test_ten_classes_of_colour_jpegs_of_several_sizes_are_written(tmp_path: Path) -> None:
    arguments = [str(tmp_path), "--images", "4", "--size", "32"]
    assert CliRunner().invoke(main, arguments, catch_exceptions=False).exit_code == 0
    assert len([each for each in tmp_path.iterdir() if each.is_dir()]) == 10
    sizes = set()
    for path in tmp_path.rglob("*.jpg"):
        with Image.open(path) as picture:
            assert (picture.format, picture.mode) == ("JPEG", "RGB")
            sizes.add(picture.size)
    assert len(sizes) > 10
    assert np.min(list(sizes)) >= 32


def test_equal_seeds_draw_equal_pictures_and_others_differ(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_shapes(tmp_path / name, images_per_class=1, seed=seed)
    first, again, other = (_pixels(tmp_path / name) for name in "abc")
    assert first == again
    assert first.keys() == other.keys()
    assert first != other
