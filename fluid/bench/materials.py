"""Gets what is measured ready: bundles, trained where they are not given, and images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fluid.bench.bundles import FAMILIES, FLUID, family_bundles, labelled_images
from fluid.bench.device_python import DevicePython
from fluid.bench.parts import OVERHEAD, PAPER
from fluid.bench.settings import Materials
from fluid.bench.slow_model import noise_images, slow_bundle
from fluid.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Sources:
    """As given on the command line. bundles: by family, None to train one. slow: None to make
    one. cache: for what is trained. epochs: of that; None for the trainer's default."""

    bundles: Mapping[str, Path | None]
    slow: Path | None
    dataset: str
    cache: Path
    epochs: int | None


def prepare(
    sources: Sources,
    parts: tuple[str, ...],
    *,
    device_python: DevicePython,
    scratch: Path,
    say: Callable[[str], None],
) -> Materials:
    """What these parts need. device_python: whose invokes of the slow model count.

    Raises `BundleError`, and `ProcessEnded` where training fails.
    """
    with Supervisor(scratch / "logs") as supervisor:
        families = family_bundles(
            supervisor,
            sources.bundles,
            families=FAMILIES if PAPER in parts else (FLUID,),
            dataset=sources.dataset,
            cache=sources.cache,
            epochs=sources.epochs,
            say=say,
        )
        images = scratch / "test-images.npz"
        count = labelled_images(
            supervisor, dataset=sources.dataset, bundle=families[FLUID], file=images
        )
        slow = slow_images = None
        if OVERHEAD in parts:
            slow = sources.slow
            if slow is None:
                say(f"a model of about 5 ms an invoke is made, or taken from {sources.cache}")
                slow = slow_bundle(supervisor, sources.cache, device_python=device_python)
            slow_images = scratch / "slow-images.npz"
            noise_images(slow, slow_images)
    return Materials(
        dataset=sources.dataset,
        families=families,
        images=images,
        image_count=count,
        slow=slow,
        slow_images=slow_images,
    )
