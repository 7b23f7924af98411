"""Draws a folder of pictures to try things on: coloured shapes, ten classes, as JPEG files.

`python -m trainer.data.shapes FOLDER` writes one. Not a data set to measure by: it is there so
that training on a folder can be shown and tested without anybody's photos.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
_Paint = Callable[[ImageDraw.ImageDraw, float, float, float, Colour], None]


def write_shapes(folder: Path, *, images_per_class: int, size_px: int = 48, seed: int = 0) -> None:
    """Write `<folder>/<class>/<number>.jpg` for ten classes; equal seeds, equal pictures.

    Pictures are up to a quarter wider or higher than `size_px`, so no two need the same scaling.
    Each shows one shape on a noisy ground, where it likes, as large as it likes, in a shade of
    the class's colour: shape and colour together make the class.
    """
    generator = np.random.default_rng(seed)
    for name, (paint, colour) in _CLASSES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(images_per_class):
            picture = _picture(paint, colour, size_px=size_px, generator=generator)
            picture.save(folder / name / f"{number:04}.jpg", quality=90)


def _picture(
    paint: _Paint, colour: Colour, *, size_px: int, generator: np.random.Generator
) -> Image.Image:
    height, width = (size_px + generator.integers(0, size_px // 4 + 1, size=2)).tolist()
    ground = generator.integers(40, 216, size=3)
    noise = generator.normal(0, 12, size=(height, width, 3))
    picture = Image.fromarray((ground + noise).clip(0, 255).astype(np.uint8))
    radius = size_px * generator.uniform(0.25, 0.4)
    x = generator.uniform(radius, width - radius)
    y = generator.uniform(radius, height - radius)
    shade = np.asarray(colour) + generator.integers(-25, 26, size=3)
    red, green, blue = shade.clip(0, 255).tolist()
    paint(ImageDraw.Draw(picture), x, y, radius, (red, green, blue))
    return picture


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _ring(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    box = (x - radius, y - radius, x + radius, y + radius)
    draw.ellipse(box, outline=colour, width=max(2, round(radius / 3)))


def _cross(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    arm = radius / 3
    draw.rectangle((x - radius, y - arm, x + radius, y + arm), fill=colour)
    draw.rectangle((x - arm, y - radius, x + arm, y + radius), fill=colour)


def _polygon(angles_degrees: Sequence[float]) -> _Paint:
    def paint(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
        angles = [math.radians(each) for each in angles_degrees]
        corners = [(x + radius * math.cos(each), y + radius * math.sin(each)) for each in angles]
        draw.polygon(corners, fill=colour)

    return paint


_TRIANGLE = _polygon((-90, 30, 150))
_SQUARE = _polygon((45, 135, 225, 315))
_RED, _GREEN, _BLUE, _YELLOW = (215, 40, 40), (40, 175, 60), (45, 70, 215), (235, 215, 45)
_CLASSES: dict[str, tuple[_Paint, Colour]] = {
    "blue-cross": (_cross, _BLUE),
    "blue-disc": (_disc, _BLUE),
    "blue-square": (_SQUARE, _BLUE),
    "green-ring": (_ring, _GREEN),
    "green-square": (_SQUARE, _GREEN),
    "green-triangle": (_TRIANGLE, _GREEN),
    "red-cross": (_cross, _RED),
    "red-disc": (_disc, _RED),
    "red-triangle": (_TRIANGLE, _RED),
    "yellow-ring": (_ring, _YELLOW),
}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--images", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--size", "size_px", type=click.IntRange(min=8), default=48, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def main(*, folder: Path, images: int, size_px: int, seed: int) -> None:
    """Write FOLDER/<class>/<number>.jpg for ten classes of coloured shapes."""
    write_shapes(folder, images_per_class=images, size_px=size_px, seed=seed)


if __name__ == "__main__":
    main()
