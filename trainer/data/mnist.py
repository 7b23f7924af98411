"""MNIST: 70,000 grey images of handwritten digits, 28x28 pixels."""

from trainer.data.standard_archive import StandardArchive

MNIST = StandardArchive("mnist", "mnist", tuple(str(digit) for digit in range(10)))
