"""The names that other people's programs import. Removing or renaming one breaks them."""

import importlib
from types import ModuleType

import pytest

PUBLIC_NAMES = {
    "fluid": {
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
    },
    "broker": {"BrokerBinaryMissing", "BrokerLaunchError", "BrokerStartError", "LocalBroker"},
}


@pytest.fixture(params=PUBLIC_NAMES)
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_the_public_names_are_pinned(module: ModuleType) -> None:
    assert set(module.__all__) == PUBLIC_NAMES[module.__name__]


def test_every_public_name_can_be_imported(module: ModuleType) -> None:
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert missing == []


def test_nobody_else_comes_with_a_star_import(module: ModuleType) -> None:
    names: dict[str, object] = {}
    exec(f"from {module.__name__} import *", names)  # noqa: S102 - what a user would write
    assert set(names) - {"__builtins__"} == PUBLIC_NAMES[module.__name__]
