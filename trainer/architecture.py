"""Which architectures there are, and how one is named. Pure: no TensorFlow.

An architecture is a string: a built-in one's name, or `package.module:function` for a function of
the user's that builds blocks, a *backbone* (`trainer.models.backbone` says what that is).
"""

from trainer.topology import Family, Topology

CNN = "cnn"
DS_CNN = "ds-cnn"
BUILT_IN = (CNN, DS_CNN)
# Channels of the dense network that the work of all others is measured by.
STATIC_CHANNELS = 32


def backbone_path(architecture: str) -> tuple[str, str]:
    """The module and the function of a `package.module:function`; raises `ValueError`."""
    module, colon, function = architecture.partition(":")
    if not colon or not function.isidentifier() or not all(map(str.isidentifier, _parts(module))):
        raise ValueError(f"'{architecture}' is no package.module:function")
    return module, function


def short_name(architecture: str) -> str:
    """For a bundle's name: the architecture, or the name of the user's function."""
    return architecture if architecture in BUILT_IN else backbone_path(architecture)[1]


def check_architecture(architecture: str, topology: Topology) -> None:
    """Raise `ValueError` for a string that names no architecture, or one that cannot be cut so.

    Slots that read each other are cut layer by layer between devices, on int8 scales that are
    chosen by hand for `cnn`. Any other architecture needs slots that are cut nowhere.
    """
    if architecture not in BUILT_IN:
        backbone_path(architecture)
    if architecture != CNN and topology.family is not Family.FLUID and len(topology.slots) > 1:
        raise ValueError(
            f"family {topology.family} cuts each layer between its slots, which only the "
            f"architecture {CNN} is made for: with {architecture}, choose family {Family.FLUID}, "
            "or one slot"
        )


def _parts(module: str) -> list[str]:
    return module.split(".")
