"""What pictures of any size and colour are turned into before a network sees them."""

import re
from dataclasses import dataclass

from fluid.bundle import InputSpec

_SIZE = re.compile(r"([1-9][0-9]*)(?:x([1-9][0-9]*))?")
_LARGEST_SIDE_PX = 1024


@dataclass(frozen=True, slots=True)
class PictureForm:
    """What was asked for; None leaves it to the pictures.

    size: (height, width) in pixels. channels: 1 for grey, 3 for RGB.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None

    @classmethod
    def of(cls, spec: InputSpec) -> "PictureForm":
        """The form that a bundle takes."""
        height, width, channels = spec.shape
        return cls((height, width), channels)

    @property
    def is_open(self) -> bool:
        """Whether nothing was asked for."""
        return self == PictureForm()


def parse_size(text: str) -> tuple[int, int]:
    """(height, width) in pixels from `HxW`, or `N` for a square; raises `ValueError`."""
    match = _SIZE.fullmatch(text)
    sides = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not all(1 <= side <= _LARGEST_SIDE_PX for side in sides):
        raise ValueError(
            f"'{text}' is no image size: give HEIGHTxWIDTH or one number for both, "
            f"at most {_LARGEST_SIDE_PX}"
        )
    return sides
