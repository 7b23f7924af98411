from dataclasses import replace

import pytest

from edge_agent.models import Models
from fluid.bundle import Bundle
from fluid.errors import BundleError
from fluid.interpreter import InterpreterPackage
from tests.unit.fluid.stage_files import cut_bundle


def test_a_bundle_whose_models_are_not_as_promised_is_refused_at_once(
    bundle: Bundle, package: InterpreterPackage
) -> None:
    manifest = bundle.manifest
    wider = replace(manifest, input=replace(manifest.input, shape=(16, 16, 1)))
    with pytest.raises(BundleError, match="must take uint8 of shape"):
        Models(Bundle(wider, bundle.models), package)


def test_a_bundle_that_is_cut_between_devices_is_refused_at_once(
    package: InterpreterPackage,
) -> None:
    with pytest.raises(BundleError, match="family static"):
        Models(cut_bundle(), package)
