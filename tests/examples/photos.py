"""Photos that anybody's network learns in a few passes: a coloured disc on a noisy ground."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"blue": (40, 60, 220), "green": (30, 180, 60), "red": (220, 40, 40)}
CLASSES = tuple(COLOURS)


def write_photos(folder: Path, *, images_per_class: int) -> None:
    """`<folder>/<class>/<number>.jpg`, the same each time."""
    generator = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(images_per_class):
            photo = _photo(colour, generator=generator)
            photo.save(folder / name / f"{number:03}.jpg", quality=95)


def _photo(colour: tuple[int, int, int], *, generator: np.random.Generator) -> Image.Image:
    width, height = generator.integers(40, 56, size=2).tolist()
    ground = generator.normal(128, 12, size=(height, width, 3))
    photo = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
    radius = min(width, height) * generator.uniform(0.3, 0.45)
    x = generator.uniform(radius, width - radius)
    y = generator.uniform(radius, height - radius)
    ImageDraw.Draw(photo).ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return photo
