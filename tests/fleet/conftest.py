"""One fleet for all tests of this folder, in the order in which a Pi's owner meets things."""

import os
import signal
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from fluid.bundle import Bundle, load_bundle, write_bundle
from tests.chaos.pictures import load_pictures
from tests.fleet.engine import EngineUnavailable, engine, is_required
from tests.fleet.fleet import Fleet
from tests.fleet.image import ensure_image
from tests.fleet.playbook import Run
from tests.fleet.reference import Reference
from tests.fleet.snapshots import Snapshot, read_snapshots, write_snapshots
from tests.fleet.watch import wait_until_serving
from tests.integration.harness.bundles import other_answers

_MNIST = Path(__file__).parents[2] / "models" / "mnist"
# The fleet goes from blank to served to blank, and each of these leaves it as the next wants it.
_ORDER = (
    "test_refused_inventories",
    "test_deploy",
    "test_answers",
    "test_service",
    "test_rights",
    "test_faults",
    "test_rollout",
    "test_revocation",
    "test_uninstall",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put this folder's tests in their order; the others keep their places."""

    def place(item: pytest.Item) -> int:
        return _ORDER.index(item.path.stem) if item.path.stem in _ORDER else -1

    here = Path(__file__).parent
    places = [number for number, item in enumerate(items) if item.path.parent == here]
    ordered = sorted((items[number] for number in places), key=place)
    for number, item in zip(places, ordered, strict=True):
        items[number] = item


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the devices' journals with a test that has failed."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, Fleet):
                report.sections += [
                    (f"journal of {name}", device.journal) for name, device in value.devices.items()
                ]
    return report


def _unavailable(reason: EngineUnavailable) -> NoReturn:
    message = f"the emulated fleet was NOT tested: {reason}"
    if is_required():
        pytest.fail(message, pytrace=False)
    print(f"\n*** {message} ***\n", file=sys.__stderr__, flush=True)  # whatever pytest captures
    pytest.skip(message)


@pytest.fixture(scope="session")
def docker_client() -> Iterator[Any]:
    # Whoever ends a run, such as CI that has waited long enough, ends it as Ctrl-C does: with all
    # that was started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup wants the second to be ignored
            signal.signal(number, signal.default_int_handler)
    try:
        with engine() as client:
            yield client
    except EngineUnavailable as reason:
        _unavailable(reason)


@pytest.fixture(scope="session")
def image(docker_client: Any) -> str:
    try:
        return ensure_image(docker_client)
    except EngineUnavailable as reason:
        _unavailable(reason)


@dataclass(frozen=True, slots=True)
class Bundles:
    """The bundle that is deployed at first, and the one that comes after it."""

    first: Bundle
    second: Bundle
    first_folder: Path
    second_folder: Path


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    first = load_bundle(_MNIST)
    second = other_answers(first)
    folder = tmp_path_factory.mktemp("second")
    write_bundle(folder, second)
    return Bundles(first, second, _MNIST, folder)


@pytest.fixture(scope="session")
def pictures(bundles: Bundles) -> NDArray[np.uint8]:
    return load_pictures(bundles.first.manifest)[0]


@pytest.fixture(scope="session")
def reference(
    bundles: Bundles, pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory
) -> Reference:
    return Reference(
        pictures,
        (bundles.first_folder, bundles.second_folder),
        work=tmp_path_factory.mktemp("reference"),
    )


@pytest.fixture(scope="session")
def fleet(docker_client: Any, image: str, bundles: Bundles) -> Iterator[Fleet]:
    """Blank devices that have booted; FLUID_FLEET_WORKERS says how many workers, 2 by default."""
    workers = int(os.environ.get("FLUID_FLEET_WORKERS", "2"))
    with Fleet(docker_client, image, bundle=bundles.first_folder, workers=workers) as fleet:
        yield fleet


@pytest.fixture(scope="session")
def blank(fleet: Fleet) -> dict[str, Snapshot]:
    """What there was on each device before anything was deployed."""
    path = fleet.folder / "blank.json"
    if path.exists():  # the devices were kept, and are not blank any more
        return read_snapshots(path)
    with ThreadPoolExecutor(len(fleet.devices)) as pool:
        snapshots = dict(
            zip(fleet.devices, pool.map(Snapshot.of, fleet.devices.values()), strict=True)
        )
    write_snapshots(path, snapshots)
    return snapshots


@pytest.fixture(scope="session")
def deployment(fleet: Fleet, blank: dict[str, Snapshot]) -> Run:
    """The first `deploy.yml`, on blank devices."""
    return fleet.playbooks.run("deploy.yml", fleet.inventory)


@pytest.fixture(scope="session")
def deployed(fleet: Fleet, deployment: Run, bundles: Bundles) -> Fleet:
    """The fleet, serving its first bundle."""
    deployment.expect_success()
    wait_until_serving(fleet, fleet.names.agents, digest=bundles.first.digest)
    return fleet
