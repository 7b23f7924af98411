"""Bundles that are told apart by their answers."""

import hashlib
from dataclasses import replace

from fluid.bundle import Bundle


def other_answers(bundle: Bundle) -> Bundle:
    """A bundle whose stages say something else: each runs the other width of its slot."""
    swapped = {"lower25": "lower50", "lower50": "lower25", "upper25": "upper50"}
    swapped["upper50"] = "upper25"
    models = {name: bundle.models[swapped[name]] for name in bundle.models}
    stages = tuple(
        replace(
            stage,
            sha256=hashlib.sha256(models[stage.name]).hexdigest(),
            size_bytes=len(models[stage.name]),
        )
        for stage in bundle.manifest.stages
    )
    return Bundle(replace(bundle.manifest, name="second", stages=stages), models)
