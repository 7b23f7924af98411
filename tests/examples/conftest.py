"""What the tests of the examples share: photos, a bundle of them, and a cluster that serves it."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid.messages import Mode
from tests.examples.photos import CLASSES, write_photos
from tests.examples.running import EXAMPLES, environment, run

# Who starts processes shows their logs when a test fails, and leaves none behind.
from tests.integration.conftest import (  # noqa: F401 -- pytest finds them by their names
    _no_process_stays,
    pytest_runtest_makereport,
)
from tests.integration.harness.agents import AgentProcess
from tests.integration.harness.cluster import AGENTS, Cluster
from tests.processes import free_port


@dataclass(frozen=True, slots=True)
class OwnDataSet:
    """What became of the photos: the example's bundle, and what it said."""

    bundle: Path
    done: "subprocess.CompletedProcess[str]"


class MeteredCluster(Cluster):
    """Its agents serve metrics; `ports` says where, by their names."""

    def __init__(self, broker: LocalBroker, *, bundle: Path, folder: Path) -> None:
        self.ports = {name: free_port() for name in AGENTS}
        super().__init__(broker, bundle=bundle, folder=folder)

    def agent(
        self, name: str, *, role: str, agent_id: str = "", more: Sequence[str] = ()
    ) -> AgentProcess:
        options = ["--metrics-port", str(self.ports[name]), *more]
        return super().agent(name, role=role, agent_id=agent_id, more=options)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "photos"
    write_photos(folder, images_per_class=30)
    return folder


@pytest.fixture(scope="session")
def photo_of(photos: Path) -> dict[str, Path]:
    """The first photo of each class."""
    return {name: photos / name / "000.jpg" for name in CLASSES}


@pytest.fixture(scope="session")
def own_data_set(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> OwnDataSet:
    """The example that trains, run once for all: the others are answered with its bundle."""
    bundle = tmp_path_factory.mktemp("own") / "bundle"
    options = ["--epochs", "30", "--teacher-epochs", "0", "--channels", "8", "--batch-size", "16"]
    script = EXAMPLES / "own_data_set" / "own_data_set.sh"
    done = run([script, photos, bundle, *options], env=environment())
    return OwnDataSet(bundle, done)


@pytest.fixture(scope="session")
def cluster(
    own_data_set: OwnDataSet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MeteredCluster]:
    """A broker and two agents that answer together."""
    assert own_data_set.done.returncode == 0, own_data_set.done.stderr
    folder = tmp_path_factory.mktemp("agents")
    with (
        LocalBroker() as broker,
        MeteredCluster(broker, bundle=own_data_set.bundle, folder=folder) as cluster,
    ):
        cluster.assemble(Mode.HA)
        yield cluster


@pytest.fixture(scope="session")
def empty_broker() -> Iterator[LocalBroker]:
    """A broker at which no agent serves: where a test chooses the answers itself."""
    with LocalBroker() as broker:
        yield broker
