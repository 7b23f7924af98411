"""The interpreter: it is installed, and loads and runs each model of the bundle."""

import time

import numpy as np

from edge_agent.doctor.finding import Finding, Status
from edge_agent.models import Models
from edge_agent.native_output import logged_native_output
from fluid.bundle import Bundle, dependency_order
from fluid.errors import FluidError
from fluid.interpreter import InterpreterPackage, find_interpreter

CHECK = "interpreter"


def check_interpreter(bundle: Bundle | None) -> tuple[Finding, InterpreterPackage | None]:
    """What was found, and the interpreter if there is one that works."""
    try:
        package = find_interpreter()
    except FluidError as error:
        return Finding(CHECK, Status.FAILED, str(error)), None
    if bundle is None:
        message = f"{package.description} is installed; without a bundle it was not tried"
        return Finding(CHECK, Status.WARNING, message), package
    image = np.zeros((1, *bundle.manifest.input.shape), np.uint8)
    try:
        with logged_native_output():  # its greeting is no finding
            models = Models(bundle, package)
        began_at = time.perf_counter()
        manifest = bundle.manifest
        # Where stages read each other, each comes after those that it reads.
        stages = dependency_order(manifest, [each.name for each in manifest.stages])
        models.run(tuple(each.name for each in stages), image, {})
        took_ms = (time.perf_counter() - began_at) * 1000
    except (FluidError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        message = (
            f"{package.description} cannot run the bundle: {reason}; install the release that is "
            "on the other devices, or copy the bundle again"
        )
        return Finding(CHECK, Status.FAILED, message), None
    count = len(bundle.manifest.stages)
    message = f"{package.description} ran each of the {count} models once, in {took_ms:.1f} ms"
    return Finding(CHECK, Status.OK, message), package
