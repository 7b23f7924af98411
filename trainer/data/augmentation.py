"""Random variations of training images that keep their labels."""

import numpy as np

from trainer.data.dataset import Images


def shifted(images: Images, *, max_shift_px: int, generator: np.random.Generator) -> Images:
    """Each image moved by its own -max_shift_px..max_shift_px rows and columns.

    images: uint8 (n, height, width, channels), and so is what is returned. What comes in at the
    border is black.
    """
    count, height, width, _ = images.shape
    border = (max_shift_px, max_shift_px)
    padded = np.pad(images, ((0, 0), border, border, (0, 0)))
    # One view of every window, then one window an image: (n, rows, columns, channels, h, w).
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    rows, columns = generator.integers(0, 2 * max_shift_px + 1, size=(2, count))
    chosen = windows[np.arange(count), rows, columns]
    return np.ascontiguousarray(np.moveaxis(chosen, 1, -1))
