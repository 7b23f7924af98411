from dataclasses import replace
from pathlib import Path

import pytest

from fluid.bench.bundles import family_bundles
from fluid.bundle import Bundle, write_bundle
from fluid.errors import BundleError
from fluid.supervisor import Supervisor


def _families(folder: Path, *, given: dict[str, Path | None], family: str) -> dict[str, Path]:
    with Supervisor(folder / "logs") as supervisor:
        return family_bundles(
            supervisor,
            given,
            families=(family,),
            dataset="digits",
            cache=folder,
            epochs=None,
            say=lambda _line: None,
        )


def test_a_bundle_that_is_given_is_taken(bundle_folder: Path, tmp_path: Path) -> None:
    given: dict[str, Path | None] = {"fluid": bundle_folder}
    assert _families(tmp_path, given=given, family="fluid") == {"fluid": bundle_folder}


def test_one_that_was_trained_before_is_taken_from_where_it_is_kept(
    bundle: Bundle, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "digits" / "fluid", bundle)
    folders = _families(tmp_path, given={"fluid": None}, family="fluid")
    assert folders == {"fluid": tmp_path / "digits" / "fluid"}


def test_a_bundle_of_another_family_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is of family fluid, not static"):
        _families(tmp_path, given={"static": bundle_folder}, family="static")


def test_a_bundle_for_one_device_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    manifest = bundle.manifest
    stages = tuple(each for each in manifest.stages if each.slot == manifest.slots[0])
    names = {each.name for each in stages}
    alone = replace(
        manifest,
        slots=manifest.slots[:1],
        stages=stages,
        subnetworks=tuple(each for each in manifest.subnetworks if set(each.stages) <= names),
    )
    write_bundle(tmp_path / "alone", Bundle(alone, bundle.models))
    with pytest.raises(BundleError, match="has one slot"):
        _families(tmp_path, given={"fluid": tmp_path / "alone"}, family="fluid")
