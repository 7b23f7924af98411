"""What training hands to deployment: the manifest and the verified files."""

from fluid.bundle.manifest import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    InputSpec,
    Manifest,
    Stage,
    SubNetwork,
)
from fluid.bundle.order import dependency_order, is_whole
from fluid.bundle.rules import IMAGE, LOGITS
from fluid.bundle.store import Bundle, load_bundle, write_bundle

__all__ = [
    "FORMAT_VERSION",
    "IMAGE",
    "LOGITS",
    "MANIFEST_NAME",
    "Bundle",
    "InputSpec",
    "Manifest",
    "Stage",
    "SubNetwork",
    "dependency_order",
    "is_whole",
    "load_bundle",
    "write_bundle",
]
