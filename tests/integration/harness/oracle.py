"""What each answer must say: the bundle's own files, run in this process."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.answers import softmax
from fluid.bundle import Bundle
from fluid.interpreter import InterpreterPackage
from fluid.messages import Result
from fluid.stages import StageRunner
from fluid.submodel import Logits

_WIRE_DECIMALS = 6  # of a probability in a reply


@dataclass(frozen=True, slots=True)
class Expected:
    """probabilities: by class, as a reply carries them."""

    label: int
    probabilities: tuple[float, ...]


class Oracle:
    """Classifies images as one device that runs the same files must.

    images: those that tests send, uint8 (n, height, width, channels). For them it has computed
    the answer of every sub-network beforehand. logits: float32 (n, classes) by sub-network.
    """

    def __init__(
        self, bundle: Bundle, images: NDArray[np.uint8], *, package: InterpreterPackage
    ) -> None:
        self.images = images
        self._bundle = bundle
        self._runner = StageRunner(bundle, package=package)
        self.logits = self._runner.logits(images)
        self._expected = {name: _answers(logits) for name, logits in self.logits.items()}

    @property
    def digest(self) -> str:
        return self._bundle.digest

    def expected(self, subnetwork: str, index: int) -> Expected:
        """The answer of a sub-network to `images[index]`; beyond their end they repeat."""
        answers = self._expected[subnetwork]
        return answers[index % len(answers)]

    def image(self, index: int) -> NDArray[np.uint8]:
        """The image of that index; beyond their end they repeat."""
        image: NDArray[np.uint8] = self.images[index % len(self.images)]
        return image

    def classify(self, subnetwork: str, images: NDArray[np.uint8]) -> list[Expected]:
        """A sub-network's answers to any images, uint8 (n, height, width, channels)."""
        return _answers(self._runner.logits(images)[subnetwork])

    def check(self, result: Result, index: int) -> None:
        """Fail unless a result is right, to the last bit, for the image of that index."""
        expected = self.expected(result.subnetwork, index)
        assert result.label == expected.label
        assert result.confidence == expected.probabilities[expected.label]
        if result.probabilities is not None:
            assert result.probabilities == expected.probabilities

    def problem(self, result: Result, index: int) -> str:
        """What is wrong with a result for the image of that index; "" if nothing is."""
        expected = self.expected(result.subnetwork, index)
        confidence = expected.probabilities[expected.label]
        if (result.label, result.confidence) == (expected.label, confidence):
            return ""
        return (
            f"image {index}: {result.subnetwork} says {result.label} "
            f"({result.confidence}), not {expected.label} ({confidence})"
        )


def _answers(logits: Logits) -> list[Expected]:
    return [
        Expected(int(label), tuple(round(float(each), _WIRE_DECIMALS) for each in row))
        for label, row in zip(logits.argmax(axis=1), softmax(logits), strict=True)
    ]


class Oracles:
    """Of several bundles: each result is checked by the one of the bundle that it names."""

    def __init__(self, *oracles: Oracle) -> None:
        """All of them have the same images."""
        self._first = oracles[0]
        self._by_name = {oracle.digest[:12]: oracle for oracle in oracles}

    def image(self, index: int) -> NDArray[np.uint8]:
        return self._first.image(index)

    def check(self, result: Result, index: int) -> None:
        self._by_name[result.bundle].check(result, index)
