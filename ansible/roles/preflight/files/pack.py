"""Verifies a bundle and packs it for the devices: `pack.py BUNDLE CACHE`.

Prints one JSON object: the `digest`, the `archive` and whether that was `made` now; or, with exit
status 1, the `problem` in one sentence.
"""

import io
import json
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))  # the repository

from fluid.bundle import Bundle, load_bundle
from fluid.bundle.manifest import MANIFEST_NAME
from fluid.errors import BundleError
from fluid.servable import expect_servable

SHORT_DIGEST = 12


def pack(folder: Path, cache: Path) -> dict[str, object]:
    """The archive's one folder is named for the digest. The manifest is its last file: where that
    is there, so is the rest. Raises `BundleError`."""
    bundle = load_bundle(folder)
    expect_servable(bundle.manifest)
    name = bundle.digest[:SHORT_DIGEST]
    archive = cache / "bundles" / f"{name}.tar"
    made = not archive.exists()
    if made:
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_suffix(".partial")
        _write(partial, name, bundle)
        partial.replace(archive)
    return {"digest": bundle.digest, "name": name, "archive": str(archive), "made": made}


def _write(path: Path, name: str, bundle: Bundle) -> None:
    files = {stage.file: bundle.models[stage.name] for stage in bundle.manifest.stages}
    text = json.dumps(bundle.manifest.to_json(), indent=2, ensure_ascii=False) + "\n"
    with tarfile.open(path, "w") as archive:
        folder = tarfile.TarInfo(name)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        for file, content in (*files.items(), (MANIFEST_NAME, text.encode())):
            entry = tarfile.TarInfo(f"{name}/{file}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))


def main() -> int:
    try:
        told = pack(Path(sys.argv[1]), Path(sys.argv[2]))
    except (BundleError, OSError) as error:
        told = {"problem": f"the controller cannot roll out the bundle: {error}"}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if "problem" in told else 0


if __name__ == "__main__":
    sys.exit(main())
