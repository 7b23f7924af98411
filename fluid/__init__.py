"""Fluid: the contract that agents, clients and the trainer share.

    from fluid import FluidClient

    with FluidClient("mqtt://broker.local:1883") as client:
        print(client.infer("digit.png").class_name)

Names are imported when they are first used: `fluid --help` and an agent that only needs the
bundle should not wait for NumPy, Pillow and paho.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fluid.bundle import Bundle, InputSpec, Manifest, load_bundle
    from fluid.client import (
        Answer,
        ClusterSnapshot,
        FluidClient,
        ResendPolicy,
        Statistics,
        cluster_snapshot,
        set_mode,
    )
    from fluid.errors import (
        BrokerError,
        BrokerNotFound,
        BrokerRefused,
        BrokerUnreachable,
        BundleError,
        CredentialsError,
        ErrorCode,
        FluidError,
        ImageError,
        InterpreterMissing,
        RequestError,
        RequestRefused,
        RequestTimeout,
    )
    from fluid.messages import ErrorReply, Mode, Result
    from fluid.topics import Topics

__all__ = [
    "Answer",
    "BrokerError",
    "BrokerNotFound",
    "BrokerRefused",
    "BrokerUnreachable",
    "Bundle",
    "BundleError",
    "ClusterSnapshot",
    "CredentialsError",
    "ErrorCode",
    "ErrorReply",
    "FluidClient",
    "FluidError",
    "ImageError",
    "InputSpec",
    "InterpreterMissing",
    "Manifest",
    "Mode",
    "RequestError",
    "RequestRefused",
    "RequestTimeout",
    "ResendPolicy",
    "Result",
    "Statistics",
    "Topics",
    "cluster_snapshot",
    "load_bundle",
    "set_mode",
]

_HOMES = ("fluid.errors", "fluid.topics", "fluid.bundle", "fluid.messages", "fluid.client")


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:  # the light ones first
            value = getattr(importlib.import_module(home), name, None)
            if value is not None:
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
