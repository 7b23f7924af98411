"""The bundle: all files are there and are those that were trained, and agents can serve it."""

from pathlib import Path

from edge_agent.doctor.finding import Finding, Status
from fluid.bundle import Bundle, load_bundle
from fluid.errors import BundleError
from fluid.servable import expect_servable

CHECK = "bundle"


def check_bundle(folder: Path) -> tuple[Finding, Bundle | None]:
    """What was found, and the bundle if it can be served."""
    try:
        bundle = load_bundle(folder)
        expect_servable(bundle.manifest)
    except BundleError as error:
        return Finding(CHECK, Status.FAILED, str(error)), None
    size_bytes = sum(len(model) for model in bundle.models.values())
    message = (
        f"{bundle.manifest.name}, digest {bundle.digest[:12]}: {len(bundle.models)} models of "
        f"{size_bytes} bytes are those that were trained"
    )
    return Finding(CHECK, Status.OK, message), bundle
